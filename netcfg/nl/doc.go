// SPDX-License-Identifier: Apache-2.0

// Package nl is the only door to netlink: it lists what the kernel has (links, routes, sockets, connections), watches
// links, and makes what the rest of netcfg asks for (filters, veths, addresses, routes, neighbours, sysctls, offloads).
//
// A Host looks at one network namespace: the process's own (Open) or another one by descriptor (At). Its methods may be
// called from any goroutine. Reading uses raw messages, because the dumps are large and the decoders are fuzzed; making
// uses vishvananda/netlink.
package nl
