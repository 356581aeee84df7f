/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Ingress, native or generic XDP. One instance a device. */
#include "../include/handover.h"
#include "../include/parse.h"
#include "../include/shadow.h"
#include "../include/verdict.h"
#include "stage_tunnel.h"

/* Tells of the packet for one of the rules that it met. Bytes are copied one word at a time, each after a look at the frame's
 * end: bpf_xdp_load_bytes needs 5.18. */
__noinline int ht_xdp_tell_one(struct xdp_md *ctx, u32 i)
{
	struct policy_event *e = event_begin(i);
	u8 *from = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	u32 n = 0;

	if (!e)
		return 0;
#pragma clang loop unroll(full)
	for (u32 at = 0; at < EVENT_BYTES; at += 8) {
		if (from + at + 8 > end)
			break;
		*(u64 *)(e->frame + at) = *(u64 *)(from + at);
		n = at + 8;
	}
#pragma clang loop unroll(disable)
	for (u32 k = 0; k < 7 && n < EVENT_BYTES; k++, n++) {
		if (from + n + 1 > end)
			break;
		e->frame[n] = from[n];
	}
	e->captured = n;
	bpf_ringbuf_submit(e, 0);
	return 0;
}

__noinline int ht_xdp_tell(struct xdp_md *ctx)
{
	u32 n = rules_to_tell();

#pragma clang loop unroll(disable)
	for (u32 i = 0; i < EVENT_RULES && i < n; i++)
		ht_xdp_tell_one(ctx, i);
	return 0;
}

SEC("xdp")
int ht_xdp(struct xdp_md *ctx)
{
	struct cursor c = cursor((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	struct packet p = {}; /* clang moves reads of what a malformed frame leaves unset to where they are made */
	u32 found, verdict, gen;

	shadow_begin();
	c.left = p.len = shadow_len(c.end - c.pos);
	found = parse(&c, &p, shadow_egress(), 0);
	if (parse_only)
		return XDP_PASS;
	gen = generation();
	if (unlikely(!found && is_tunnel(p.w[4])) && !shadow_egress())
		stage_tunnel(ctx, &p, shadow_gen() ? shadow_gen() : gen);
	if (shadow && shadow_judge(&p, found)) {
		shadow_report(&p, found);
		return XDP_PASS;
	}
	verdict = record(&p, found, gen, 0, 0);
	shadow_report(&p, found);
	if (unlikely(verdict & VERDICT_TELL))
		ht_xdp_tell(ctx);
	if (verdict & VERDICT_DENY)
		return XDP_DROP;
	leave_note(ctx, gen, verdict >> VERDICT_LEG_SHIFT);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
