// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"fmt"
	"os"
	"path/filepath"

	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// Stages, in the order of the way of a packet.
const (
	stageDriver    = "driver"
	stageSoftnet   = "softnet"
	stageTC        = "tc"
	stageNetfilter = "netfilter"
	stageConntrack = "conntrack"
	stageRouting   = "routing"
	stageIP        = "ip"
	stageNeighbour = "neighbour"
	stageXFRM      = "xfrm"
	stageTCP       = "tcp"
	stageUDP       = "udp"
	stageSocket    = "socket"
)

// drops is the preset that shows every packet that the kernel frees as dropped.
const drops = "@drops"

// deviceCounter is one counter of a device.
type deviceCounter struct {
	name  string
	of    func(*snap.Link) uint64
	trace string
	help  string
}

func deviceCounters() []deviceCounter {
	return []deviceCounter{
		{"rx_dropped", func(l *snap.Link) uint64 { return l.RxDropped }, drops,
			"received, then dropped before a protocol took it: no protocol for it, a full backlog (see softnet), or the driver's choice"},
		{"rx_missed", func(l *snap.Link) uint64 { return l.Errors.RxMissed }, "",
			"the card had no free buffer: enlarge its ring (ethtool -G), spread queues over more CPUs (ethtool -L, RPS)"},
		{"rx_over", func(l *snap.Link) uint64 { return l.Errors.RxOver }, "",
			"larger than the receive buffer, or the card overran: compare MTUs at both ends, enlarge the ring (ethtool -G)"},
		{"rx_fifo", func(l *snap.Link) uint64 { return l.Errors.RxFIFO }, "",
			"the card's own queue was full: the bus or the CPU is too slow for it; enlarge the ring (ethtool -G)"},
		{"rx_crc", func(l *snap.Link) uint64 { return l.Errors.RxCRC }, "",
			"damaged on the wire: change cable, transceiver or port"},
		{"rx_frame", func(l *snap.Link) uint64 { return l.Errors.RxFrame }, "",
			"misaligned on the wire: change cable, check speed and duplex at both ends"},
		{"rx_length", func(l *snap.Link) uint64 { return l.Errors.RxLength }, "",
			"of a wrong length: compare MTUs at both ends"},
		{"rx_errors", func(l *snap.Link) uint64 { return l.Errors.RxErrors }, "",
			"all receive errors that the driver counts; ethtool -S tells them apart"},
		{"rx_nohandler", func(l *snap.Link) uint64 { return l.Errors.RxNoHandler }, drops,
			"arrived at an inactive slave of a bond: usual for copies of broadcasts"},
		{"rx_otherhost", func(l *snap.Link) uint64 { return l.Errors.RxOtherHost }, drops,
			"for another MAC address or VLAN than this device's: flooding by a switch, promiscuous mode, or a VLAN nobody made here"},
		{"tx_dropped", func(l *snap.Link) uint64 { return l.TxDropped }, drops,
			"the driver could not send it: a full ring, or for a veth a peer that is down or full"},
		{"tx_errors", func(l *snap.Link) uint64 { return l.Errors.TxErrors }, "",
			"all send errors that the driver counts; ethtool -S tells them apart"},
		{"tx_carrier", func(l *snap.Link) uint64 { return l.Errors.TxCarrier }, "",
			"the link was lost while sending: check cable and switch port"},
		{"tx_aborted", func(l *snap.Link) uint64 { return l.Errors.TxAborted }, "",
			"the card gave up sending: check duplex at both ends"},
		{"tx_fifo", func(l *snap.Link) uint64 { return l.Errors.TxFIFO }, "",
			"the card's send queue ran empty or over in the middle of a frame: the bus is too slow"},
		{"collisions", func(l *snap.Link) uint64 { return l.Errors.Collisions }, "",
			"half duplex: check the negotiation at both ends"},
	}
}

// devices enters what drivers and the core count for each device of the namespace, watched or not: what a bond's slave
// loses is not among the counters of the bond. It returns their names by ifindex.
func (l *Ledger) devices(links []snap.Link, err error) map[int]string {
	if err != nil {
		l.fail("devices", err)
		return nil
	}
	names := make(map[int]string, len(links))
	for i := range links {
		names[links[i].Index] = links[i].Name
	}
	for _, d := range deviceCounters() {
		source := "rtnetlink IFLA_STATS64 " + d.name
		for i := range links {
			k := &links[i]
			row := snap.LedgerRow{Stage: stageDriver, Name: d.name, Dev: k.Name, Total: d.of(k), Help: d.help, Source: source, Trace: d.trace}
			if d.trace != "" {
				row.Filter = devFilter(k.Name)
			}
			l.add(counter{thing: uint64(k.Index), row: row})
		}
	}
	return names
}

// devFilter selects packets of a device, where its name can stand in a filter.
func devFilter(name string) string {
	for i := range len(name) {
		c := name[i]
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '_' || c == '.') {
			return ""
		}
	}
	return "dev " + name
}

// softnet enters what the CPUs' input queues lost. They are the machine's, in every namespace.
func (l *Ledger) softnet() {
	cpus := parseSoftnet(l.file("softnet_stat", always))
	for _, c := range []struct {
		name, trace string
		of          func(softnet) uint64
		help        string
	}{
		{"dropped", drops, func(s softnet) uint64 { return s.dropped },
			"this CPU's backlog was full: raise net.core.netdev_max_backlog, or spread the load (RPS, more queues)"},
		{"flow_limit", drops, func(s softnet) uint64 { return s.flowLimit },
			"one flow filled more than its share of this CPU's backlog (net.core.flow_limit_cpu_bitmap)"},
		{"time_squeeze", "", func(s softnet) uint64 { return s.squeezed },
			"no drop yet: receiving stopped with work left; raise net.core.netdev_budget and netdev_budget_usecs"},
	} {
		for _, s := range cpus {
			l.add(counter{wraps: true, row: snap.LedgerRow{Stage: stageSoftnet, Name: c.name, Dev: cpuName(s.cpu), Total: c.of(s),
				Help: c.help, Source: netFiles + "softnet_stat", Trace: c.trace}})
		}
	}
}

func cpuName(n int) string { return fmt.Sprintf("cpu%d", n) }

// queues enters what the queueing disciplines of the named devices dropped and held back.
func (l *Ledger) queues(names map[int]string, all []snap.Qdisc, err error) {
	if err != nil {
		l.fail("queues", err)
		return
	}
	for _, q := range all {
		dev, ok := names[q.Device]
		if !ok {
			continue // made, or gone, between the two listings
		}
		help := "the queue was full, or it drops on purpose (codel, red, policer): see tc -s qdisc"
		if q.Ingress {
			help = "a tc filter dropped it: see tc -s filter"
		}
		row := snap.LedgerRow{Stage: stageTC, Dev: dev, Source: "rtnetlink TCA_STATS2 " + q.Kind}
		row.Name, row.Total, row.Help = q.Kind+" drops", uint64(q.Drops), help
		row.Trace, row.Filter = drops, devFilter(dev)
		l.add(counter{thing: uint64(q.Handle), wraps: true, row: row})
		row.Name, row.Total, row.Help = q.Kind+" overlimits", uint64(q.Overlimits), "no drop: packets had to wait for their rate; raise it or the burst if that is not wanted"
		row.Trace, row.Filter = "", ""
		l.add(counter{thing: uint64(q.Handle), wraps: true, row: row})
	}
}

// refusals enters what rules of netfilter drop. There is no counter for all of netfilter: rules without one tell nothing.
func (l *Ledger) refusals(all []snap.Refusal, err error) {
	if err != nil {
		l.fail("netfilter", err)
		return
	}
	for _, r := range all {
		l.add(counter{thing: r.Handle, row: snap.LedgerRow{
			Stage: stageNetfilter, Total: r.Packets, Trace: drops,
			Name:   r.Name(),
			Help:   fmt.Sprintf("a rule of nf_tables refuses them: nft -a list chain %s %s %s", r.Family, format.Clean(r.Table), format.Clean(r.Chain)),
			Source: "nfnetlink NFT_MSG_GETRULE",
		}})
	}
}

// conntrack enters what connection tracking loses, by CPU, and how full its table is.
func (l *Ledger) conntrack() {
	rows := []struct{ name, trace, help string }{
		{"drop", drops, "the table was full (or memory short) and no old entry could go: raise net.netfilter.nf_conntrack_max"},
		{"early_drop", "", "a live entry was thrown out for a new one: the table is full; raise net.netfilter.nf_conntrack_max"},
		{"insert_failed", drops, "two packets raced to open one connection (often DNS behind NAT), or a NAT clash: the loser is dropped"},
		{"invalid", "", "fits no connection that is tracked: asymmetric routing, or too short timeouts; dropped only if a rule says so"},
		{"search_restart", "", "no drop: lookups had to begin again while the table was resized; many mean too few buckets"},
	}
	b := l.file("stat/nf_conntrack", ifThere)
	for _, r := range rows { // each by itself: kernels drop and add columns
		for cpu, v := range parsePerCPU(b, r.name) {
			l.add(counter{wraps: true, row: snap.LedgerRow{Stage: stageConntrack, Name: r.name, Dev: cpuName(cpu), Total: v[0],
				Help: r.help, Source: netFiles + "stat/nf_conntrack " + r.name, Trace: r.trace}})
		}
	}
	n, ok := l.sysctl("netfilter/nf_conntrack_count")
	most, limited := l.sysctl("netfilter/nf_conntrack_max")
	if ok && limited {
		l.add(counter{level: true, row: snap.LedgerRow{Stage: stageConntrack, Name: fmt.Sprintf("entries of %d", most), Total: n,
			Help:   fmt.Sprintf("connections tracked now, %d %% of the most; new ones are dropped when it is full", n*100/max(most, 1)),
			Source: "/proc/sys/net/netfilter/nf_conntrack_count"}})
	}
}

// sysctl reads a number below /proc/sys/net; false when there is none.
func (l *Ledger) sysctl(name string) (uint64, bool) {
	b, err := os.ReadFile(filepath.Join(l.opt.Sys, name))
	if err != nil {
		return 0, false
	}
	return parseNumber(b)
}

// neighbours enters what the neighbour tables lost. Only the initial namespace shows them, for all.
func (l *Ledger) neighbours() {
	for _, table := range []string{"arp_cache", "ndisc_cache"} {
		b := l.file("stat/"+table, ifThere)
		for _, r := range []struct{ name, trace, help string }{
			{"unresolved_discards", drops, "waited for a link layer address and its queue was full: a neighbour does not answer, or raise unres_qlen_bytes"},
			{"table_fulls", "", "the neighbour table was full: raise net.ipv4.neigh.default.gc_thresh3 (ipv6 likewise)"},
		} {
			for cpu, v := range parsePerCPU(b, r.name) {
				l.add(counter{wraps: true, row: snap.LedgerRow{Stage: stageNeighbour, Name: table + " " + r.name, Dev: cpuName(cpu), Total: v[0],
					Help: r.help, Source: netFiles + "stat/" + table + " " + r.name, Trace: r.trace}})
			}
		}
	}
}
