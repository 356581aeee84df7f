// SPDX-License-Identifier: Apache-2.0

// Package lab builds the small network of `hooktop lab`: namespaces of this machine with real traffic of every kind that
// the tabs show, and nothing of it in the machine's own network namespace.
//
// Words. The host is the process that runs the dashboard: Enter moves it into a namespace of its own and starts the
// program again there, same pid, same terminal. A node is a child process with a role; wan and lan have a namespace of
// their own, the others stand in the host's and are its services. The control pipe is a child's stdin and stdout.
//
//	lan (10.77.0.0/24, 2001:db8:2::/64) ── lan0 [ host ] wan0 ── wan (192.0.2.0/24, 2001:db8:1::/64)
//	                                                             clients 198.51.100.0/24, 2001:db8:c::/64
//	                                                             servers 203.0.113.0/24, 2001:db8:5::/64
//
// A firewall stands beside the host, at fw0 and fw1: what a policy's chain sends to the one it forwards to the other (Chain is such
// a line). LAN clients ask a server for which it is made.
//
// Peers send to the host in VXLAN, by the kernel's devices where it has them, and in Geneve; others use the same endpoint without being
// asked (tunnels.go; Tunnels are the lines that tell them apart). Inner addresses of the host are on wan0.
//
// Some packets are sent to die at the host (dying.go): closed ports, wrong checksums, no route, netfilter, a forged source,
// a TTL at its end, a full socket and a full listen queue. Their senders know which counter of the host tells.
//
// A scan and a flood from neighbours of the clients are there to be blocked (scan.go, flood.go), and a client beside them
// must keep working meanwhile: it counts what it asked and what it got (steady.go).
//
// Life cycle: Enter (exec) → Build (namespaces, devices, addresses, services, the operator's session) → Send (traffic
// begins) → Stop (senders end, all that was sent has arrived, exact counts) → Close. The namespaces have no names and the
// children die with the host (PDEATHSIG, end of the control pipe), so that even SIGKILL leaves nothing.
package lab
