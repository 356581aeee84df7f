// SPDX-License-Identifier: Apache-2.0

package bench

// Reason says why a goal is out of reach, where that is known. It is printed only beside a figure that misses its goal.
func Reason(id string) string {
	const judged = "every denied packet is classified anew, here by headers that do not come again: what is denied has no entry in the flow table, so that a flood drives " +
		"no known flow out (S8). The goals were set with a prototype that kept denied flows there, for IPv4 alone, and met 4,096 headers again and again."
	why := map[string]string{
		"S3": "a packet of one of a million flows at random waits for one cache miss and one TLB miss, either side alike.",
		"S4": "some third of a new flow's time is the cache miss on its bucket, which either side pays, and most of the rest is its classification.",
		"S6": judged,
		"S7": judged,
		"S9": "a packet in a tunnel is parsed twice, strictly, and held against the line's inner prefixes and the host's own addresses before its headers are taken off and it is judged; " +
			"the goals were set with a prototype that looked up {local, peer, VNI} for IPv4 alone and took the headers off.",
		"S10": "each of 4,096 flows sends once in some milliseconds, so that its entry has left the caches: two thirds of the cost are the wait for that line, which a single flow " +
			"does not have. An empty program on the same hook has a cost as well.",
		"S12": "hooktop's reader hands on decoded events where the other copies bytes; the goal was set with events of 64 bytes, read as they lie.",
		"S13": "nearly all of it is parsing and compiling the text.",
		"S15": "on an idle machine htop has next to nothing to write, while the rates of sixty rows of hooktop change with each frame.",
		"T2":  "following each datagram through several tracepoints costs about what tcpdump does, one tracepoint costs less.",
		"T3":  "the trace's programs run some hundred times a second in that test, 0.1 % of a core, and its process takes up to 1 % of a core: rounds differ by more than that.",
	}[id]
	if why == "" {
		return "the reason is not known."
	}
	return why
}
