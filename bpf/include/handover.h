/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the XDP program leaves in the metadata in front of a packet for the tc programs of the device.
 *
 * The leg of a chain that the packet is on, of which ht_tc_mark makes its mark.
 *
 * While a device's ingress goes from XDP to tc, or back, both programs sit there for a moment: while dev_state.handover is set,
 * each packet that XDP has counted says so, and ht_tc_in lets it pass uncounted. User space: Pipeline.Handover in bpf/kern. */
#pragma once

#include "config.h"
#include "state.h"

struct xdp_note {
	u32 word; /* a word of this run's random hash seed: what another program or run left is not ours */
	u16 slot;
	u8 counted;
	u8 leg;
	u32 gen; /* that the leg belongs to */
};

/* Last thing on a packet: pointers into it are void afterwards. A driver without metadata leaves the packet without a note: it
 * goes unmarked, and during a handover it counts twice. */
static __always_inline void leave_note(struct xdp_md *ctx, volatile struct dev_state *st, u32 counted, u32 gen, u32 leg)
{
	struct xdp_note *n;

	if (likely(!counted && !leg))
		return;
	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*n))) {
		if (leg) {
			stat_add(STAT_MARK_LOST);
			st->mark_lost++;
		}
		if (counted)
			stat_add(STAT_NOTE_LOST);
		return;
	}
	n = (void *)(long)ctx->data_meta;
	if ((void *)(n + 1) > (void *)(long)ctx->data) { /* the verifier does not know that there is room now */
		stat_add(STAT_LOOKUP_FAILED);
		return;
	}
	n->word = hash_seed[0];
	n->slot = dev_slot;
	n->counted = !!counted;
	n->leg = leg;
	n->gen = gen;
}

/* The note on a packet that was left for this device, NULL: there is none. */
static __always_inline struct xdp_note *find_note(struct __sk_buff *skb)
{
	struct xdp_note *n = (void *)(long)skb->data_meta;

	if ((void *)(n + 1) > (void *)(long)skb->data || n->word != (u32)hash_seed[0] || n->slot != dev_slot)
		return NULL;
	return n;
}

static __always_inline int handed_over(struct __sk_buff *skb)
{
	struct xdp_note *n;

	if (likely(!dev_state()->handover))
		return 0;
	n = find_note(skb);
	return n && n->counted;
}
