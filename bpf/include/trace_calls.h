/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Calls and their returns. A call is found again by its function and the kernel stack that it runs on, which no interrupt
 * shares; calls of one function within each other by how deep they stand there. */
#pragma once

#include "journey.h"

#define STACK_SHIFT 14 /* kernel stacks are 16 KiB and aligned (arch/x86/include/asm/page_64_types.h; arm64: the same) */

static __always_inline struct call_key call_key(const struct hit *h)
{
	return (struct call_key){ .stack = h->sp >> STACK_SHIFT, .func = h->func };
}

static __always_inline void note_call(const struct hit *h, int shown)
{
	struct call_key key = call_key(h);
	struct calls *c = bpf_map_lookup_elem(&ht_tr_calls, &key);
	struct calls new = {};
	u64 depth;

	if (!c) {
		if (bpf_map_update_elem(&ht_tr_calls, &key, &new, 0)) {
			trace_count(TRACE_UNPAIRED);
			return;
		}
		c = bpf_map_lookup_elem(&ht_tr_calls, &key);
		if (!c)
			return;
	}
	depth = c->depth;
	/* The stack grows down: calls that stand where this one does, or below, are over, and their return was missed. */
#pragma clang loop unroll(full)
	for (u32 i = 0; i < CALLS; i++) {
		if (depth && depth <= CALLS && c->call[(depth - 1) & (CALLS - 1)].sp <= h->sp)
			depth--;
	}
	if (depth >= CALLS) {
		c->depth = depth + 1;
		trace_count(TRACE_UNPAIRED);
		return;
	}
	depth &= CALLS - 1;
	c->call[depth].sp = h->sp;
	c->call[depth].ts = h->ts;
	c->call[depth].skb = h->skb;
	c->call[depth].journey = h->journey;
	c->call[depth].shown = shown;
	c->depth = depth + 1;
}

/* When the call began, with its packet in h; 0: it was not shown, or not noted. */
static __always_inline u64 end_call(struct hit *h)
{
	struct call_key key = call_key(h);
	struct calls *c = bpf_map_lookup_elem(&ht_tr_calls, &key);
	struct call *call;
	u64 depth;

	if (!c || !c->depth) {
		trace_count(TRACE_UNPAIRED);
		return 0;
	}
	depth = --c->depth;
	if (depth >= CALLS)
		return 0; /* counted when it began */
	call = &c->call[depth & (CALLS - 1)];
	if (!call->shown)
		return 0;
	h->skb = call->skb;
	h->journey = call->journey;
	return call->ts;
}
