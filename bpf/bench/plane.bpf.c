/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* For the benchmark only: the pipeline's stages behind a generator of flows, beside the obvious build of the same thing (one
 * LRU hash, atomic counters) behind the same generator. Run by BPF_PROG_TEST_RUN; never attached. */
#include "../include/parse.h"
#include "../include/verdict.h"

/* Flows that the generator makes: a power of two, minus 1. */
const volatile u32 flow_mask = 0;

u32 turn = 0; /* of the generator that goes through the flows in order */

static u32 (*bpf_get_prandom_u32)(void) = (void *)7;

struct obvious_flow {
	u64 packets, bytes, last;
	u32 path, gen;
};

struct {
	__uint(type, 9); /* BPF_MAP_TYPE_LRU_HASH */
	__uint(max_entries, 1);
	__type(key, struct flow_key);
	__type(value, struct obvious_flow);
} lru SEC(".maps");

/* The flow's number goes into the frame's source address: 10.x.y.z, or the last word of an IPv6 address. */
static __always_inline void become(struct xdp_md *ctx, u32 flow)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (data + 62 > end)
		return;
	if (*(u16 *)(data + 12) == be16(ETHERTYPE_IP4))
		*(u32 *)(data + 26) = be32(0x0a000000U | flow);
	else
		*(u32 *)(data + 34) = be32(0x0a000000U | flow);
}

static __always_inline void ours(struct xdp_md *ctx)
{
	struct cursor c = cursor((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	struct packet p = {}; /* clang moves reads of what a malformed frame leaves unset to where they are made */
	u32 found, gen;

	c.left = p.len = c.end - c.pos;
	found = parse(&c, &p, 0, 0);
	gen = generation();
	record(&p, found, gen, 0, 0);
}

static __always_inline void obvious(struct xdp_md *ctx)
{
	struct cursor c = cursor((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	struct packet p = {}; /* clang moves reads of what a malformed frame leaves unset to where they are made */
	struct flow_key key;
	struct obvious_flow *f;
	u64 *w = (u64 *)&key;

	c.left = p.len = c.end - c.pos;
	if (parse(&c, &p, 0, 0))
		return;
	w[0] = p.w[0];
	w[1] = p.w[1];
	w[2] = p.w[2];
	w[3] = p.w[3];
	w[4] = p.w[4];
	*(u32 *)&key.tag = p.tag_dev;
	f = bpf_map_lookup_elem(&lru, &key);
	if (likely(f)) {
		__sync_fetch_and_add(&f->packets, 1);
		__sync_fetch_and_add(&f->bytes, p.len);
		f->last = bpf_jiffies64();
		f->gen = generation();
		return;
	}
	struct obvious_flow first = { .packets = 1, .bytes = p.len, .last = bpf_jiffies64(), .gen = generation() };
	bpf_map_update_elem(&lru, &key, &first, 0);
}

SEC("xdp") int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp") int pass_random(struct xdp_md *ctx)
{
	become(ctx, bpf_get_prandom_u32() & flow_mask);
	return XDP_PASS;
}

SEC("xdp") int ours_random(struct xdp_md *ctx)
{
	become(ctx, bpf_get_prandom_u32() & flow_mask);
	ours(ctx);
	return XDP_PASS;
}

SEC("xdp") int obvious_random(struct xdp_md *ctx)
{
	become(ctx, bpf_get_prandom_u32() & flow_mask);
	obvious(ctx);
	return XDP_PASS;
}

SEC("xdp") int ours_each(struct xdp_md *ctx)
{
	become(ctx, turn++ & flow_mask);
	ours(ctx);
	return XDP_PASS;
}

SEC("xdp") int obvious_each(struct xdp_md *ctx)
{
	become(ctx, turn++ & flow_mask);
	obvious(ctx);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
