/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The dry run's end of the wire: a frame may be longer than what BPF_PROG_TEST_RUN takes, and user space wants to know
 * what became of each one. Nothing of this is left in a program that was loaded with shadow = 0. */
#pragma once

#include "acl.h"
#include "config.h"
#include "maps.h"
#include "packet.h"

static __always_inline u32 shadow_len(u32 len)
{
	u32 zero = 0;
	struct shadow_io *io;

	if (!shadow)
		return len;
	io = bpf_map_lookup_elem(&ht_shadow, &zero);
	return io && io->len > len ? io->len : len;
}

/* The direction to parse for: a dry run of this one program is asked about both. */
static __always_inline u32 shadow_egress(void)
{
	u32 zero = 0;
	struct shadow_io *io = shadow ? bpf_map_lookup_elem(&ht_shadow, &zero) : NULL;

	return io && io->gen && io->egress ? TAG_EGRESS : 0;
}

/* The generation that user space asks about, 0: none. */
static __always_inline u32 shadow_gen(void)
{
	u32 zero = 0;
	struct shadow_io *io = shadow ? bpf_map_lookup_elem(&ht_shadow, &zero) : NULL;

	return io ? io->gen : 0;
}

/* Judges by the generation that user space names, counts nothing, and says what came of it. Returns 0 when none is named. GEN_EACH
 * stands for no policy: the time that such a run takes is what the rest takes without judging. */
static __always_inline int shadow_judge(struct packet *p, u32 found)
{
	u32 zero = 0;
	struct shadow_io *io = bpf_map_lookup_elem(&ht_shadow, &zero);
	struct acl_query *q = bpf_map_lookup_elem(&ht_query, &zero);

	if (!io || !q || !io->gen)
		return 0;
	q->passed = 0;
	if (io->gen == GEN_EACH)
		query_set(p, io->dev);
	else if (found)
		io->judged = ht_acl_other(io->gen, found == FOUND_NOT_IP, io->egress, p->len);
	else if (query_set(p, io->dev))
		io->judged = ht_acl_judge(io->gen % ACL_SLOTS, io->gen);
	io->passed_n = q->passed;
#pragma clang loop unroll(full)
	for (u32 i = 0; i < JUDGED; i++)
		io->passed[i] = q->counted[i];
	return 1;
}

static __always_inline void shadow_report(struct packet *p, u32 found)
{
	u32 zero = 0;
	struct shadow_io *io;

	if (!shadow)
		return;
	io = bpf_map_lookup_elem(&ht_shadow, &zero);
	if (!io)
		return;
	io->runs++;
	io->counted = p->len;
	io->found = found;
	if (found)
		return;
	u64 *w = (u64 *)&io->key;
	w[0] = p->w[0];
	w[1] = p->w[1];
	w[2] = p->w[2];
	w[3] = p->w[3];
	w[4] = p->w[4];
	*(u32 *)&io->key.tag = p->tag_dev;
	io->tcp_flags = p->tcp_flags;
}

/* What the tunnel stage found, before anything is taken off. */
static __always_inline void shadow_tunnel(const struct tunnel_query *q)
{
	u32 zero = 0;
	struct shadow_io *io;
	struct acl_query *k;

	if (!shadow)
		return;
	io = bpf_map_lookup_elem(&ht_shadow, &zero);
	k = bpf_map_lookup_elem(&ht_query, &zero);
	if (!io || !k)
		return;
	io->tunnel = q->kind;
	io->vni = q->vni;
	io->has_vni = q->has_vni;
	io->inner_len = q->inside;
	io->tunnel_why = q->why;
	io->tunnel_hit = q->hit;
	io->strips = q->strip;
	io->inner_found = q->looked ? 1 + q->found : 0;
	if (!q->looked || q->found)
		return;
	u64 *w = (u64 *)&io->inner;
	w[0] = k->w[0];
	w[1] = k->w[1];
	w[2] = k->w[2];
	w[3] = k->w[3];
	w[4] = k->w[4];
	*(u32 *)&io->inner.tag = k->tag_dev;
}

/* Before a frame that may be in no tunnel. */
static __always_inline void shadow_begin(void)
{
	u32 zero = 0;
	struct shadow_io *io = shadow ? bpf_map_lookup_elem(&ht_shadow, &zero) : NULL;

	if (io)
		io->tunnel = TUN_NONE;
}
