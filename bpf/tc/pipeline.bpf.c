/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Egress, and ingress where XDP can't go: the same stages over an skb. One instance a device and direction. */
#include "../include/chain.h"
#include "../include/handover.h"
#include "../include/parse.h"
#include "../include/verdict.h"

#define PULL_MAX 2048 /* bytes of header made linear at most */
#define VLAN_LEN 4

/* The tag that the device took out of the frame, or that it is to put in, is the outermost one. */
static __always_inline u32 parse_skb(struct __sk_buff *skb, struct packet *p, u32 out)
{
	struct cursor c = cursor((void *)(long)skb->data, (void *)(long)skb->data_end);
	/* Products instead of a branch: the verifier would follow the parser twice. */
	u32 taken_out = skb->vlan_present;
	u32 vid = (skb->vlan_tci & TAG_VLAN_MASK) * taken_out;

	c.left = skb->len;
	p->len = skb->len + taken_out * VLAN_LEN;
	return parse(&c, p, out | vid, taken_out);
}

/* Headers that lie beyond the linear part of the skb are fetched, once. */
static __noinline int parse_pulled(struct __sk_buff *skb, struct packet *p, u32 found, u32 out)
{
	u32 want = skb->len < PULL_MAX ? skb->len : PULL_MAX;

	if (bpf_skb_pull_data(skb, want)) {
		stat_add(STAT_PULL_FAILED);
		return found;
	}
	return parse_skb(skb, p, out);
}

static __always_inline int pipeline(struct __sk_buff *skb, u32 out, u64 flags)
{
	struct packet p = {}; /* clang moves reads of what a malformed frame leaves unset to where they are made */
	u32 found = parse_skb(skb, &p, out), gen = generation(), said;

	if (unlikely(ran_short(found)) && skb->data_end - skb->data < skb->len)
		found = parse_pulled(skb, &p, found, out);
	said = record(&p, found, gen, out, flags);
	if (said & DENIED)
		return TC_DROP;
	if (!out && unlikely(said)) /* chains begin where packets arrive */
		ht_chain_mark(skb, gen, said >> 1, p.len);
	return TC_NEXT;
}

SEC("tc")
int ht_tc_in(struct __sk_buff *skb)
{
	if (unlikely(handed_over(skb)))
		return TC_NEXT;
	return pipeline(skb, 0, 0);
}

/* Beside the XDP program: makes the mark of what that one noted. */
SEC("tc")
int ht_tc_mark(struct __sk_buff *skb)
{
	struct xdp_note *n = find_note(skb);

	if (unlikely(n && n->leg))
		ht_chain_mark(skb, n->gen, n->leg, skb->len);
	return TC_NEXT;
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
