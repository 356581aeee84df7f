/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Ingress, native or generic XDP. One instance a device. */
#include "../include/handover.h"
#include "../include/parse.h"
#include "../include/shadow.h"
#include "../include/verdict.h"
#include "stage_tunnel.h"

SEC("xdp")
int ht_xdp(struct xdp_md *ctx)
{
	struct cursor c = cursor((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	struct packet p = {}; /* clang moves reads of what a malformed frame leaves unset to where they are made */
	u32 found, denied, gen;

	shadow_begin();
	c.left = p.len = shadow_len(c.end - c.pos);
	found = parse(&c, &p, shadow_egress(), 0);
	gen = generation();
	if (unlikely(!found && is_tunnel(p.w[4])) && !shadow_egress())
		stage_tunnel(ctx, &p, shadow_gen() ? shadow_gen() : gen);
	if (shadow && shadow_judge(&p, found)) {
		shadow_report(&p, found);
		return XDP_PASS;
	}
	denied = record(&p, found, gen, 0, 0);
	shadow_report(&p, found);
	if (denied)
		return XDP_DROP;
	hand_over(ctx);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
