// SPDX-License-Identifier: Apache-2.0

//go:build bench

package bench

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"hooktop/bpf/kern"
	"hooktop/netcfg/acl"
)

// blocked is one rule of a blocklist: what every competitor can say.
type blocked struct {
	from netip.Addr
	port uint16
}

// blocklist is as many hosts as there are rules, each with a port of its own.
func blocklist(rules int) []blocked {
	rnd, seen := rand.New(rand.NewPCG(uint64(rules), 3)), map[netip.Addr]bool{}
	var out []blocked
	for len(out) < rules {
		n := rnd.Uint32()
		from := netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
		if !seen[from] {
			seen[from] = true
			out = append(out, blocked{from, uint16(1000 + len(out)%60000)})
		}
	}
	return out
}

// packetsFor are packets for entries of the list by chance.
func packetsFor(list []blocked) []acl.Packet {
	rnd := rand.New(rand.NewPCG(9, 9))
	out := make([]acl.Packet, samples)
	for i := range out {
		one := list[rnd.IntN(len(list))]
		out[i] = acl.Packet{Src: one.from, Dst: netip.MustParseAddr(liveHere), Proto: acl.UDP, DPort: one.port}
	}
	return out
}

// each writes a line or an element for each entry.
func each(list []blocked, between, format string) string {
	words := make([]string, len(list))
	for i, one := range list {
		words[i] = strings.NewReplacer("ADDR", one.from.String(), "PORT", strconv.Itoa(int(one.port))).Replace(format)
	}
	return strings.Join(words, between)
}

// netdev is a table of nftables at ingress, where it is fastest.
func netdev(set, rules string) string {
	return "table netdev t {\n" + set + "\nchain c { type filter hook ingress device \"r0\" priority 0; policy accept;\n" + rules + "\n}\n}\n"
}

const (
	pairSet  = "set s { type ipv4_addr . inet_service; %selements = { "
	inPairs  = "ip saddr . udp dport @s counter drop"
	setsEnd  = " }\n}"
	interval = "flags interval; "
)

// nftSets are the ways in which nftables can look a blocklist up.
func nftSets(list []blocked) map[string]string {
	pairs := fmt.Sprintf(pairSet, "") + each(list, ", ", "ADDR . PORT") + setsEnd
	return map[string]string{
		"nft hash set":        netdev(pairs, inPairs),
		"nft hash set, raw":   "table inet t {\n" + pairs + "\nchain c { type filter hook prerouting priority -300; policy accept;\n" + inPairs + "\n}\n}\n",
		"nft set of ranges":   netdev(fmt.Sprintf(pairSet, interval)+each(list, ", ", "ADDR . PORT-PORT")+setsEnd, inPairs),
		"nft set of prefixes": netdev("set s { type ipv4_addr; "+interval+"elements = { "+each(list, ", ", "ADDR")+setsEnd, "ip saddr @s counter drop"),
	}
}

// linearFrames keeps a round of those who walk through all rules short.
func linearFrames(rules int) int { return min(liveRuns, max(2000, 20_000_000/rules)) }

// dropRace is all competitors on a blocklist of one size.
type dropRace struct {
	*arena
	bare, ours, generic, filter, linear, iptables, ipset *competitor
	sets                                                 []*competitor
}

func newDropRace(t *testing.T, rules int, withFilter bool) *dropRace {
	t.Helper()
	list := blocklist(rules)
	col := plane(t, 1, 8192, func(spec *ebpf.CollectionSpec) { roomForSamples(t, spec) })
	fillSamples(t, col, packetsFor(list))
	plant := newPlant(t, "default in allow\n"+each(list, "\n", "deny in udp from ADDR to any port PORT")+"\n")
	r := &dropRace{arena: newArena(t, col.Programs["send_sample"], udp4())}
	r.bare = r.add("bare XDP_DROP", func(c *competitor) { c.attach(t, col.Programs["drop"]) })
	r.ours = r.add("hooktop", func(c *competitor) { plant.attach(t, c, kern.XDPNative) })
	r.generic = r.add("hooktop, generic", func(c *competitor) { plant.attach(t, c, kern.XDPGeneric) })
	if withFilter {
		r.filter = r.add("xdp-filter", func(c *competitor) { c.xdpFilter(t, list) })
	}
	r.linear = r.add("nft linear", func(c *competitor) {
		c.nft(t, netdev("", each(list, "\n", "ip saddr ADDR udp dport PORT counter drop")))
	})
	r.iptables = r.add("iptables", func(c *competitor) {
		c.feed(t, "*raw\n"+each(list, "\n", "-A PREROUTING -s ADDR/32 -p udp --dport PORT -j DROP")+"\nCOMMIT\n", "iptables-legacy-restore")
	})
	r.linear.runs, r.iptables.runs = linearFrames(rules), linearFrames(rules)
	r.linear.warmup, r.iptables.warmup = r.linear.runs/10, r.linear.runs/10
	r.ipset = r.add("iptables and ipset", func(c *competitor) {
		c.feed(t, "create s hash:ip,port maxelem 200000\n"+each(list, "\n", "add s ADDR,udp:PORT")+"\n", "ipset", "restore")
		c.feed(t, "*raw\n-A PREROUTING -m set --match-set s src,dst -j DROP\nCOMMIT\n", "iptables-legacy-restore")
	})
	sets := nftSets(list)
	for _, name := range slices.Sorted(maps.Keys(sets)) {
		r.sets = append(r.sets, r.add(name, func(c *competitor) { c.nft(t, sets[name]) }))
	}
	return r
}

// xdpFilter has the peer block the hosts of the list. Its maps are pinned to a file system that ends with its process.
func (c *competitor) xdpFilter(t *testing.T, list []blocked) {
	t.Helper()
	script := "set -e\nmount -t bpf bpf /sys/fs/bpf\nxdp-filter load -f ipv4,udp -p allow -m native r0\nfor a in " + each(list, " ", "ADDR") +
		"; do xdp-filter ip -m src $a; done\n"
	c.Do(t, func() error {
		cmd := exec.Command("unshare", "--mount", "bash")
		cmd.Stdin = strings.NewReader(script)
		if said, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("xdp-filter: %w: %.300s", err, said)
		}
		return nil
	})
}

// check fails unless every frame was dropped by what is to be measured: a competitor that frames pass or miss proves nothing.
func (r *dropRace) check() {
	r.t.Helper()
	for _, c := range r.all {
		switch c {
		case r.bare, r.ours, r.generic, r.filter:
			if n := c.received(r.t); n > c.sent/1000 {
				r.t.Errorf("%s: %d of %d frames reached the stack", c.name, n, c.sent)
			}
		case r.iptables, r.ipset:
			n := 0
			for _, m := range regexp.MustCompile(`(?m)^\[(\d+):`).FindAllStringSubmatch(c.feed(r.t, "", "iptables-legacy-save", "-c", "-t", "raw"), -1) {
				k, _ := strconv.Atoi(m[1])
				n += k
			}
			if n != c.sent {
				r.t.Errorf("%s: its rules met %d of %d frames", c.name, n, c.sent)
			}
		default:
			c.counted(r.t)
		}
	}
}

// received is how many IPv4 packets the host's stack took.
func (c *competitor) received(t *testing.T) (n int) {
	t.Helper()
	c.Do(t, func() error {
		text, err := os.ReadFile("/proc/thread-self/net/snmp")
		if err != nil {
			return err
		}
		m := regexp.MustCompile(`(?m)^Ip: \d+ \d+ (\d+)`).FindSubmatch(text)
		if m == nil {
			return fmt.Errorf("find InReceives in %.200q", text)
		}
		n, err = strconv.Atoi(string(m[1]))
		return err
	})
	return n
}

// fastest is the one with the lowest median.
func fastest(all []*competitor) *competitor {
	return slices.MinFunc(all, func(a, b *competitor) int { return cmp.Compare(Median(a.ns), Median(b.ns)) })
}

// measureDrop is S6 and S7, and how both grow.
func measureDrop(t *testing.T, r *Report) {
	curve := Curve{Name: "rules", Title: "Dropping a UDP frame over a veth", X: "rules", Y: "ns a frame, its sending included"}
	defer func() { r.Curves = append(r.Curves, curve) }()
	for _, size := range []struct{ rules, rounds int }{{10, 3}, {100, 3}, {1000, 9}, {10000, 7}} {
		t.Run(fmt.Sprint(size.rules), func(t *testing.T) {
			d := newDropRace(t, size.rules, size.rules <= 1000)
			d.race(size.rounds)
			d.check()
			set := fastest(d.sets)
			var all []string
			for _, c := range d.all {
				all = append(all, ns(c.name, c.ns))
			}
			detail := fmt.Sprintf("%d rules: %s", size.rules, strings.Join(all, ", "))
			for _, line := range []struct {
				name string
				*competitor
			}{{"hooktop", d.ours}, {"nft, rule by rule", d.linear}, {"iptables", d.iptables}, {"the fastest nft set", set}, {"iptables and ipset", d.ipset}, {"bare XDP_DROP", d.bare}} {
				curve.Add(line.name, At(float64(size.rules), line.ns))
			}
			row := func(id, what string, c *competitor, goal float64, detail ...string) {
				r.Rows = append(r.Rows, FromRounds(id, fmt.Sprintf("frames dropped over a veth, %d rules: %s / hooktop", size.rules, what), "x", AtLeast(goal), Ratios(c.ns, d.ours.ns), detail...))
			}
			switch size.rules {
			case 1000:
				row("S6", "nft, rule by rule", d.linear, 50, detail)
				row("S6", "iptables", d.iptables, 20)
				row("S6", "the fastest nft set ("+set.name+")", set, 2.7)
				row("S6", "xdp-filter", d.filter, 1.1)
				row("S6", "bare XDP_DROP", d.bare, 0.7)
			case 10000:
				row("S7", "nft, rule by rule", d.linear, 400, detail)
				row("S7", "the fastest nft set ("+set.name+")", set, 2.7)
			}
		})
	}
}
