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

static __always_inline int leave(struct xdp_md *ctx, volatile struct dev_state *st, u32 gen, u32 verdict)
{
	u32 counted = st->handover;

	if (likely(!(verdict | counted)))
		return XDP_PASS;
	if (unlikely(verdict & VERDICT_TELL))
		ht_xdp_tell(ctx);
	if (verdict & VERDICT_DENY)
		return XDP_DROP;
	leave_note(ctx, st, counted, gen, verdict >> VERDICT_LEG_SHIFT);
	return XDP_PASS;
}

/* A frame that belongs to no flow. A function of its own: where both ways met, all that a packet is made of would be carried past, as
 * zeroes, in registers that the usual way needs. */
__noinline int ht_xdp_other(struct xdp_md *ctx, u32 found, u32 len)
{
	struct packet p = { .len = len };
	volatile struct dev_state *st = dev_state();
	u32 gen = generation(st), verdict;

	if (shadow && shadow_judge(&p, found)) {
		shadow_report(&p, found);
		return XDP_PASS;
	}
	verdict = ht_record_other(found, len, gen, 0);
	shadow_report(&p, found);
	return leave(ctx, st, gen, verdict);
}

/* `dry`: a dry run, a constant, so that the usual program asks for it once. */
static __always_inline int pipeline(struct xdp_md *ctx, const u32 dry)
{
	struct cursor c = cursor((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	volatile struct dev_state *st;
	struct packet p;
	u32 found, verdict, gen;

	if (dry)
		shadow_begin();
	c.left = p.len = dry ? shadow_len(c.end - c.pos) : c.end - c.pos;
	found = parse(&c, &p, dry ? shadow_egress() : 0, 0);
	if (unlikely(found))
		return ht_xdp_other(ctx, found, p.len);
	if (parse_only) {
		use_packet(&p);
		return XDP_PASS;
	}
	st = dev_state();
	gen = generation(st);
	if (unlikely(is_tunnel(p.w[4])) && !(dry && shadow_egress()) && stage_tunnel(ctx, &p, dry && shadow_gen() ? shadow_gen() : gen))
		return XDP_DROP;
	if (dry && shadow_judge(&p, 0)) {
		shadow_report(&p, 0);
		return XDP_PASS;
	}
	verdict = flow_account(&p, st, gen, 0);
	if (dry)
		shadow_report(&p, 0);
	return leave(ctx, st, gen, verdict);
}

SEC("xdp")
int ht_xdp(struct xdp_md *ctx)
{
	return shadow ? pipeline(ctx, 1) : pipeline(ctx, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
