// SPDX-License-Identifier: Apache-2.0

package uitest

import (
	"time"

	"hooktop/probes/snap"
)

// PolicyEvents are what happened on the host of Frame: packets of rules with log, and the life of a policy. Newest last.
func PolicyEvents() []snap.Event {
	all := Flows(18)
	key := func(i int) snap.FlowKey { return all[i].Key }
	list := []snap.Event{
		{Kind: "commit", Sev: snap.Info, Text: "v40 is on trial for 15s, by alice", Gen: 40},
		{Kind: "keep", Text: "v40 is kept, by alice", Gen: 40},
		{Kind: "allow", Text: "allow tcp 10.0.0.9:41002 > 10.9.0.5:22 in eth0 \"ssh\"", Line: 9, Gen: 40, Label: "ssh", Flow: key(12), Dev: "eth0"},
		{Kind: "commit", Text: "v41 is on trial on eth0 for 15s, by bob", Gen: 41},
		{Kind: "canary", Text: "v41 decides on eth0 and is watched for 5m0s, then the rest follows: bond0", Gen: 41},
		{Kind: "restore", Sev: snap.Crit, Text: "v41 is taken back on eth0: drops/s 120, at most 14", Gen: 41},
		{Kind: "deny", Text: "deny icmp 10.4.2.7 > 10.9.0.1 echo-req in eth0 \"known scanners\"", Line: 7, Gen: 41, Label: "known scanners", Flow: key(9), Dev: "eth0", Repeat: 3},
		{Kind: "deny", Text: "deny udp [2001:db8:1::7f]:51820 > [2001:db8:9::10]:51820 in eth0 \"known scanners\"", Line: 7, Gen: 41, Label: "known scanners", Flow: key(4), Dev: "eth0", Repeat: 12},
		{Kind: "lost", Sev: snap.Warn, Text: "2,048 events were lost: the ring of CPU 3 was full"},
		{Kind: "limit", Text: "limit tcp 10.4.1.93:40112 > 10.9.0.10:443 in eth0", Line: 6, Gen: 41, Flow: key(1), Dev: "eth0", Repeat: 88, Missed: 3101},
		{Kind: "save", Text: "v41 is saved to /etc/hooktop/policy.acl, by bob", Gen: 41},
		{Kind: "deny", Text: "deny tcp 203.0.113.9:44123 > 10.9.0.22:8443 in eth0 \"known scanners\"", Line: 7, Gen: 41, Label: "known scanners", Flow: key(3), Dev: "eth0", Repeat: 412, Missed: 90211},
		{Kind: "lease over", Sev: snap.Warn, Text: "lease over: v41 decides again, v42 was on trial", Gen: 42},
	}
	for i := range list {
		e := &list[i]
		e.Seq, e.At, e.Repeat = uint64(i+1), Epoch().Add(time.Duration(i-len(list)+1)*7*time.Second), max(e.Repeat, 1)
	}
	return list
}
