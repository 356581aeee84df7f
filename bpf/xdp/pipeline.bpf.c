/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Ingress, native or generic XDP. One instance a device. */
#include "../include/handover.h"
#include "../include/parse.h"
#include "../include/shadow.h"
#include "../include/verdict.h"

SEC("xdp")
int ht_xdp(struct xdp_md *ctx)
{
	struct cursor c = cursor((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	struct packet p = {}; /* clang moves reads of what a malformed frame leaves unset to where they are made */
	u32 found, said, gen;

	c.left = p.len = shadow_len(c.end - c.pos);
	found = parse(&c, &p, shadow_egress(), 0);
	if (shadow && shadow_judge(&p, found)) {
		shadow_report(&p, found);
		return XDP_PASS;
	}
	gen = generation();
	said = record(&p, found, gen, 0, 0);
	shadow_report(&p, found);
	if (said & DENIED)
		return XDP_DROP;
	leave_note(ctx, gen, said >> 1);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
