// SPDX-License-Identifier: Apache-2.0

package bench

// Reason says why a goal is out of reach, where that is known. It is printed only beside a figure that misses its goal.
func Reason(id string) string {
	const again = "a frame that is denied again is parsed, not found among known flows, and counted in its entry and for its device; the entries of some thousand flows lie outside of " +
		"the nearest caches. Where a bare XDP_DROP itself is below a goal by these figures, no program meets it on this machine."
	why := map[string]string{
		"S3": "a packet of one of a million flows at random waits for one cache miss and one TLB miss, either side alike.",
		"S4": "some third of a new flow's time is the cache miss on its bucket, which either side pays, and most of the rest is its classification, unless it is denied as one before that differs in its source port alone.",
		"S6": again,
		"S7": again,
		"S9": "a packet in a tunnel is parsed twice, strictly, and held against the line's inner prefixes and the host's own addresses before its verdict is looked up; " +
			"the goals were set with a prototype that looked up {local, peer, VNI} for IPv4 alone and took the headers off.",
		"S10": "each of 4,096 flows sends once in some milliseconds, so that its entry has left the caches: two thirds of the cost are the wait for that line, which a single flow " +
			"does not have. An empty program on the same hook has a cost as well, and runs of one program differ by as much as is measured.",
		"S12": "hooktop's reader hands on decoded events where the other copies bytes; the goal was set with events of 64 bytes, read as they lie.",
		"S13": "nearly all of it is parsing and compiling the text.",
		"S15": "on an idle machine htop has next to nothing to write, while the rates of sixty rows of hooktop change with each frame.",
		"T2":  "following each datagram through several tracepoints costs about what tcpdump does, one tracepoint costs less.",
		"T3":  "the trace's programs run some hundred times a second in that test, 0.1 % of a core, and its process takes up to 1 % of a core: rounds differ by more than that, and as far where the trace is off in both.",
	}[id]
	if why == "" {
		return "the reason is not known."
	}
	return why
}
