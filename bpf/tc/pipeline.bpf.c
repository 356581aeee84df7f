/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Egress, and ingress where XDP can't go: the same stages over an skb. One instance a device and direction. */
#include "../include/handover.h"
#include "../include/parse_skb.h"
#include "../include/verdict.h"

static __always_inline int pipeline(struct __sk_buff *skb, u32 out, u64 flags)
{
	struct packet p = {}; /* clang moves reads of what a malformed frame leaves unset to where they are made */
	u32 found = parse_skb(skb, &p, out);

	if (unlikely(ran_short(found)) && skb->data_end - skb->data < skb->len)
		found = parse_pulled(skb, &p, found, out);
	return record(&p, found, generation(), out, flags) ? TC_DROP : TC_NEXT;
}

SEC("tc")
int ht_tc_in(struct __sk_buff *skb)
{
	if (unlikely(handed_over(skb)))
		return TC_NEXT;
	return pipeline(skb, 0, 0);
}

/* A packet that arrived where nobody counts has not been counted yet. */
static __always_inline u64 forwarded(u32 from)
{
	return from && bpf_map_lookup_elem(&ht_watched, &from) ? FLOW_FORWARDED : 0;
}

SEC("tc")
int ht_tc_out(struct __sk_buff *skb)
{
	return pipeline(skb, TAG_EGRESS, forwarded(skb->ingress_ifindex));
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
