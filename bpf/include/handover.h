/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A device's ingress goes from XDP to tc, or back, while packets flow: for a moment both programs sit there. While
 * dev_state.handover is set, the XDP program leaves a mark in the metadata in front of each packet that it counted, and the
 * tc program lets marked packets pass uncounted. User space: Pipeline.Handover in bpf/kern. */
#pragma once

#include "config.h"
#include "maps.h"

struct handover_mark {
	u32 word; /* a word of this run's random hash seed: another hooktop's marks are not ours */
	u32 slot;
};

static __always_inline int handing_over(void)
{
	return dev_states[dev_slot & (DEV_SLOTS - 1)].handover;
}

/* Last thing on a packet: pointers into it are void afterwards. A driver without metadata leaves the packet unmarked, and
 * it counts twice. */
static __always_inline void hand_over(struct xdp_md *ctx)
{
	struct handover_mark *m;

	if (likely(!handing_over()) || bpf_xdp_adjust_meta(ctx, -(int)sizeof(*m)))
		return;
	m = (void *)(long)ctx->data_meta;
	if ((void *)(m + 1) > (void *)(long)ctx->data)
		return;
	m->word = hash_seed[0];
	m->slot = dev_slot;
}

static __always_inline int handed_over(struct __sk_buff *skb)
{
	struct handover_mark *m = (void *)(long)skb->data_meta;

	if (likely(!handing_over()) || (void *)(m + 1) > (void *)(long)skb->data)
		return 0;
	return m->word == (u32)hash_seed[0] && m->slot == dev_slot;
}
