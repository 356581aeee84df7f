// SPDX-License-Identifier: Apache-2.0

package bench

// Reason says why a goal is out of reach, where that is known. It is printed only beside a figure that misses its goal.
func Reason(id string) string {
	const judged = "a denied packet is asked for in the flow table, classified by every field that a rule may name, for IPv4 and IPv6 alike, counted, and weighed " +
		"for its rule's samples; the goals were set with a prototype that did the lookup alone, for IPv4."
	why := map[string]string{
		"S3": "a packet of one of a million flows at random waits for one cache miss and one TLB miss, which no layout of the table avoids.",
		"S4": "some third of a new flow's time is the cache miss on its bucket, which either side pays, and most of the rest is its classification.",
		"S6": judged,
		"S7": judged,
		"S9": "a packet in a tunnel passes eight global functions, which the verifier of Linux 5.10 needs, a strict parser of the header, the lines of the policy, the " +
			"host's own addresses and a row of counters; the goals were set with a prototype that looked up {local, peer, VNI} and took the headers off.",
		"S10": "not known in full: by itself the same work takes some 20 ns a packet (S1); here the stack's delivery stands between two packets.",
		"S12": "hooktop's reader hands on decoded events where the other copies bytes; the goal was set with events of 64 bytes, read as they lie.",
		"S13": "nearly all of it is parsing and compiling the text.",
		"T2":  "following each datagram through several tracepoints costs about what tcpdump does, one tracepoint costs less.",
		"T3":  "the trace's programs run some hundred times a second in that test, 0.1 % of a core; where the rest goes is not known.",
	}[id]
	if why == "" {
		return "the reason is not known."
	}
	return why
}
