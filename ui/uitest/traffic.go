// SPDX-License-Identifier: Apache-2.0

package uitest

import (
	"fmt"
	"math"
	"net/netip"
	"time"

	"hooktop/probes/snap"
)

// Addr parses an address; a bad one is a fault of the test.
func Addr(s string) snap.Addr { return snap.AddrFrom(netip.MustParseAddr(s)) }

// Flows makes n flows, the same every time: web, DNS, IPv6, ICMP of both families, VLAN tags, fragments, a tunnel, a port
// scan without answers, the operator's own session and another way in. The first dozen are one of each kind.
func Flows(n int) []snap.Flow {
	out := special()
	for i := len(out); i < n; i++ {
		out = append(out, ordinary(i))
	}
	out = out[:min(n, len(out))]
	for i := range out {
		finish(&out[i], i)
	}
	return out
}

func special() []snap.Flow {
	web := snap.Owner{PID: 812, Comm: "nginx", User: "www-data", Container: "3f9c2a7be01d", Sure: snap.SureExact, Via: "sock_diag+/proc"}
	ssh := snap.Owner{PID: 4711, Comm: "sshd", User: "root", Sure: snap.SureExact, Via: "sock_diag+/proc"}
	dns := snap.Owner{PID: 603, Comm: "systemd-resolve", User: "systemd-resolve", Sure: snap.SureSocket, Via: "sock_diag+/proc"}
	est := snap.TCPInfo{State: "ESTABLISHED", RTT: 1240 * time.Microsecond, RTTVar: 310 * time.Microsecond}
	lossy := snap.TCPInfo{State: "ESTABLISHED", RTT: 83 * time.Millisecond, RTTVar: 12 * time.Millisecond, Retrans: 1204, Unacked: 17}
	return []snap.Flow{
		flow("10.4.1.17", 51544, "10.9.0.10", 443, 6, "eth0", 212400, 1.91e9, withTCP(web, est, 0x1a)),
		flow("10.4.1.93", 40112, "10.9.0.10", 443, 6, "eth0", 180900, 1.62e9, withTCP(web, lossy, 0x1a)),
		flow("172.16.8.4", 53, "10.9.2.53", 33411, 17, "eth0", 96000, 61.4e6, func(f *snap.Flow) { f.Owner = dns }),
		flow("203.0.113.9", 44123, "10.9.0.22", 8443, 6, "eth0", 88100, 45.1e6, func(f *snap.Flow) {
			f.TCPFlags, f.Unanswered = 2, true
		}),
		flow("2001:db8:1::7f", 51820, "2001:db8:9::10", 51820, 17, "eth0", 71700, 802.1e6, func(f *snap.Flow) {
			f.Owner = snap.Owner{Sure: snap.SureKernel}
		}),
		flow("10.9.0.10", 443, "10.4.1.17", 51544, 6, "eth0", 66200, 41.3e6, withTCP(web, est, 0x1a), out),
		flow("10.60.7.2", 33001, "10.60.7.9", 4789, 17, "vlan-trunk0", 51000, 411.8e6, func(f *snap.Flow) { f.Key.VLAN = 100 }),
		flow("192.0.2.40", 0, "10.9.0.30", 0, 17, "eth0", 4490, 53.0e6, func(f *snap.Flow) { f.Key.Frag = snap.FragLater }),
		flow("192.0.2.40", 2049, "10.9.0.30", 989, 17, "eth0", 4490, 1.2e6, func(f *snap.Flow) { f.Key.Frag = snap.FragFirst }),
		flow("10.4.2.7", 8<<8, "10.9.0.1", 0, 1, "eth0", 10, 6720, nothing),
		flow("fe80::5054:ff:fe65:4321", 135<<8, "ff02::1:ff00:10", 0, 58, "eth0", 2, 1376, nothing),
		flow("10.0.0.8", 50122, "10.9.0.5", 22, 6, "eth0", 31, 18100, withTCP(ssh, snap.TCPInfo{State: "ESTABLISHED", RTT: 14200 * time.Microsecond, RTTVar: 2 * time.Millisecond}, 0x18),
			func(f *snap.Flow) { f.WayIn = snap.OwnSession }),
		flow("10.0.0.9", 41002, "10.9.0.5", 22, 6, "eth0", 4, 2100, withTCP(ssh, est, 0x18), func(f *snap.Flow) { f.WayIn = snap.AccessFlow }),
		flow("10.4.2.7", 0, "10.9.0.1", 0, 47, "eth0", 38800, 300.2e6, nothing),
		flow("10.244.1.5", 40200, "10.244.2.9", 5432, 6, "vxlan.calico", 990, 7.1e6, withTCP(snap.Owner{PID: 9001, Comm: "postgres", User: "postgres", Container: "a1b2c3d4e5f6", Sure: snap.SureGuess, Via: "sock_diag+/proc"}, est, 0x18),
			func(f *snap.Flow) { f.Key.VNI = 4096 }),
		flow("2001:db8:1:2:3:4:5:6", 60001, "2001:db8:9:8:7:6:5:4", 443, 6, "enp129s0f1np1", 31400, 280.9e6, withTCP(web, est, 0x1a)),
		flow("198.51.100.77", 0, "10.9.0.10", 3<<8|3, 1, "eth0", 0.4, 180, func(f *snap.Flow) { f.Key.SPort, f.Key.DPort = 3<<8|3, 0 }),
		flow("10.4.9.2", 5060, "10.9.0.30", 5060, 132, "eth0", 12, 9100, nothing),
	}
}

func ordinary(i int) snap.Flow {
	src := fmt.Sprintf("10.4.%d.%d", i/200+1, i%200+2)
	if i%9 == 0 {
		src = fmt.Sprintf("2001:db8:1::%x", i)
	}
	dst := fmt.Sprintf("10.9.0.%d", 10+i%8)
	if i%9 == 0 {
		dst = fmt.Sprintf("2001:db8:9::%x", 10+i%8)
	}
	pps := 30000 * math.Exp(-float64(i)/16)
	owner := snap.Owner{PID: 800 + i%7, Comm: []string{"nginx", "haproxy", "java", "redis-server", "", "python3", "kubelet"}[i%7], User: "app", Sure: snap.SureExact, Via: "sock_diag+/proc"}
	if owner.Comm == "" {
		owner = snap.Owner{}
	}
	f := flow(src, uint16(39000+i), dst, []uint16{443, 8080, 5432, 6379, 53, 9092}[i%6], 6, "eth0", pps, pps*8900,
		withTCP(owner, snap.TCPInfo{State: "ESTABLISHED", RTT: time.Duration(200+i*37) * time.Microsecond}, 0x18))
	f.Key.Egress = i%5 == 0
	return f
}

type option = func(*snap.Flow)

func nothing(*snap.Flow) {}
func out(f *snap.Flow)   { f.Key.Egress = true }

func withTCP(o snap.Owner, t snap.TCPInfo, flags uint8) option {
	return func(f *snap.Flow) { f.Owner, f.TCP, f.TCPFlags = o, t, flags }
}

func flow(src string, sport uint16, dst string, dport uint16, proto uint8, dev string, pps, bps float64, opts ...option) snap.Flow {
	f := snap.Flow{
		Key:    snap.FlowKey{Src: Addr(src), Dst: Addr(dst), SPort: sport, DPort: dport, Proto: proto, Dev: 1},
		Device: dev, Verdict: "pass", Age: 221 * time.Second,
	}
	for i := range f.Rates {
		f.Rates[i] = snap.Rate{PPS: pps * (1 - 0.1*float64(i)), BPS: bps * (1 - 0.1*float64(i))}
	}
	for _, o := range opts {
		o(&f)
	}
	return f
}

// finish gives totals, idle time and a trend that follow from the rate and the index.
func finish(f *snap.Flow, i int) {
	pps := f.Rates[0].PPS
	f.Packets = uint64(pps*221) + 3
	f.Bytes = uint64(f.Rates[0].BPS*221/8) + 180
	f.Idle = time.Duration(0)
	if pps < 50 {
		f.Idle = time.Duration(i%40) * time.Second
	}
	f.Age += time.Duration(i*i) * time.Minute
	f.Trend = make([]float32, 60)
	for j := range f.Trend {
		f.Trend[j] = float32(pps * (0.6 + 0.4*math.Sin(float64(j+i)/5)))
	}
}

// Frame is a busy host: three interfaces, programs in all states, n flows. The flows are in Frame.Flows.Rows as a window of
// the default question; Answer asks another.
func Frame(n int) *snap.Frame {
	f := &snap.Frame{
		Seq: 7, At: Epoch(), Host: "lb-07", Started: true,
		State: snap.State{Kernel: "6.1.0-38-amd64", Hz: 2, WaysIn: []string{"ssh 10.0.0.8:50122 → :22 (own session, found by sshd's socket)"}},
		Start: []snap.Status{
			{Name: "pipeline eth0 ingress", Outcome: snap.Attached, To: "generic XDP"},
			{Name: "pipeline eth0 egress", Outcome: snap.Attached, To: "clsact filter"},
			{Name: "pipeline bond0 ingress", Outcome: snap.Degraded, To: "tc ingress", Why: "XDP program 88 (cil_xdp_entry) sits on bond0"},
			{Name: "pipeline wg0 ingress", Outcome: snap.Unavailable, Why: "permission denied", Fix: "run as root, or give CAP_BPF and CAP_NET_ADMIN"},
		},
		Interfaces: []snap.Interface{
			{Name: "eth0", Index: 2, Slot: 1, Mode: "generic", Why: "auto: L2 device", Reason: "default route", Up: true,
				Packets: 402118331, Bytes: 512009118221, In: snap.Rate{PPS: 812e3, BPS: 6.2e9}, Out: snap.Rate{PPS: 428e3, BPS: 3.61e9},
				InPackets: 300118331, InBytes: 412009118221, OutPackets: 102000000, OutBytes: 100000000000},
			{Name: "bond0", Index: 5, Slot: 2, Mode: "tc", Why: "XDP program 88 (cil_xdp_entry) sits there", Reason: "named", Up: true,
				Packets: 1204, Bytes: 90210, In: snap.Rate{PPS: 12, BPS: 9100}, Out: snap.Rate{PPS: 3.2, BPS: 1800}, InPackets: 1000, InBytes: 80000, OutPackets: 204, OutBytes: 10210},
			{Name: "wg0", Index: 9, Slot: 3, Mode: "none", Why: "permission denied", Reason: "route", Up: false},
		},
		LeftOut: []snap.LeftOut{
			{Name: "docker0", Why: "no route leads there; its ports are watched on eth0"},
			{Name: "veth3a91b2c", Why: "port of docker0"},
			{Name: "lo", Why: "loopback"},
		},
		Programs: []snap.Program{
			{ID: 412, Name: "ht_xdp", Type: "xdp", Hook: "xdp generic", Dev: "eth0", State: "attached", Runs: 402118331, RunNs: 402118331 * 41, Insns: 1812},
			{ID: 413, Name: "ht_tc_egress", Type: "sched_cls", Hook: "tc egress", Dev: "eth0", State: "attached", Runs: 102000000, RunNs: 102000000 * 38, Insns: 1790},
			{ID: 415, Name: "ht_tc_ingress", Type: "sched_cls", Hook: "tc ingress", Dev: "bond0", State: "degraded", Reason: "tc instead of XDP: program 88 (cil_xdp_entry) sits on bond0", Insns: 1790},
			{ID: 416, Name: "ht_tc_egress", Type: "sched_cls", Hook: "tc egress", Dev: "bond0", State: "attached", Insns: 1790},
			{Name: "ht_tc_ingress", Type: "sched_cls", Hook: "tc ingress", Dev: "wg0", State: "unavailable", Reason: "permission denied: needs CAP_NET_ADMIN"},
		},
		Totals: snap.Totals{Rate: snap.Rate{PPS: 1.24e6, BPS: 9.81e9}, Drops: 248, Flows: n, Capacity: 262144, Packets: 402119535, Bytes: 512009208431},
	}
	f.Tunnels, f.Chains = Tunnels(), Chains()
	f.Malformed = []snap.Count{{Name: "ip4_len", N: 12}, {Name: "tcp_off", N: 3}}
	f.Lost = []snap.Count{{Name: "scan", N: 4}}
	for i := 0; i < 300; i++ {
		v := float32(1 + 0.5*math.Sin(float64(i)/7) + 0.2*math.Sin(float64(i)/3))
		f.Totals.PPS = append(f.Totals.PPS, v*1e6)
		f.Totals.BPS = append(f.Totals.BPS, v*7.9e9)
		f.Totals.DropPS = append(f.Totals.DropPS, float32(i%40))
	}
	return Answer(f, Flows(n), snap.FlowQuery{Limit: 60})
}
