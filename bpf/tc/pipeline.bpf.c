/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Egress, and ingress where XDP can't go: the same stages over an skb. One instance a device and direction. */
#include "../include/chain.h"
#include "../include/handover.h"
#include "../include/parse_skb.h"
#include "../include/verdict.h"
#include "stage_tunnel.h"

/* Tells of the packet for one of the rules that it met. */
__noinline int ht_tc_tell_one(struct __sk_buff *skb, u32 i)
{
	struct policy_event *e = event_begin(i);
	u32 n;

	if (!e)
		return 0;
	n = skb->len < EVENT_BYTES ? skb->len : EVENT_BYTES;
	/* From 1 on, which old verifiers want to see. */
	n = bounded(n - 1, EVENT_BYTES - 1) + 1;
	if (!bpf_skb_load_bytes(skb, 0, e->frame, n))
		e->captured = n;
	if (skb->vlan_present)
		e->tag = (u32)be16(skb->vlan_proto) << 16 | (skb->vlan_tci & 0xffff);
	bpf_ringbuf_submit(e, 0);
	return 0;
}

__noinline int ht_tc_tell(struct __sk_buff *skb)
{
	u32 n = rules_to_tell();

#pragma clang loop unroll(disable)
	for (u32 i = 0; i < EVENT_RULES && i < n; i++)
		ht_tc_tell_one(skb, i);
	return 0;
}

static __always_inline int leave(struct __sk_buff *skb, u32 gen, u32 verdict, u32 out, u32 len)
{
	u32 leg = verdict >> VERDICT_LEG_SHIFT;

	if (likely(!verdict))
		return TC_NEXT;
	if (unlikely(verdict & VERDICT_TELL))
		ht_tc_tell(skb);
	if (verdict & VERDICT_DENY)
		return TC_DROP;
	if (!out && leg) /* chains begin where packets arrive */
		ht_chain_mark(skb, gen, leg, len);
	return TC_NEXT;
}

/* A frame that belongs to no flow. A function of its own: where both ways met, all that a packet is made of would be carried past it, as
 * zeroes, in registers that the usual way needs. */
__noinline int ht_tc_other(struct __sk_buff *skb, u32 found, u32 out)
{
	u32 gen = generation(dev_state()), len = wire_len(skb);

	return leave(skb, gen, ht_record_other(found, len, gen, out), out, len);
}

static __always_inline int pipeline(struct __sk_buff *skb, u32 out, u64 flags)
{
	volatile struct dev_state *st;
	struct packet p;
	u32 found = parse_skb(skb, &p, out), gen;

	if (unlikely(found)) {
		if (ran_short(found) && skb->data_end - skb->data < skb->len)
			found = parse_pulled(skb, &p, found, out);
		if (found)
			return ht_tc_other(skb, found, out);
	}
	if (parse_only) {
		use_packet(&p);
		return TC_NEXT;
	}
	st = dev_state();
	gen = generation(st);
	if (!out && unlikely(is_tunnel(p.w[4])))
		stage_tunnel(skb, &p, gen);
	return leave(skb, gen, flow_account(&p, st, gen, flags), out, p.len);
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
		ht_chain_mark(skb, n->gen, n->leg, wire_len(skb));
	return TC_NEXT;
}

/* 1 when a packet was counted on the device that it arrived on. A global function: the verifier does not know what it says, and
 * follows the stages once and not for either answer. */
__noinline int ht_forwarded(u32 from)
{
	return from && bpf_map_lookup_elem(&ht_watched, &from);
}

SEC("tc")
int ht_tc_out(struct __sk_buff *skb)
{
	return pipeline(skb, TAG_EGRESS, (u64)(ht_forwarded(skb->ingress_ifindex) & 1) * FLOW_FORWARDED);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
