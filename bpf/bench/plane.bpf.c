/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* For the benchmark only: the pipeline's stages behind a generator of flows, beside the obvious build of the same thing (one
 * LRU hash, atomic counters) behind the same generator. Run by BPF_PROG_TEST_RUN; never attached. */
#include "../include/parse.h"
#include "../include/verdict.h"
#include "vectors.h"

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

/* Headers that rules of a policy are for: a power of two of them, minus 1. */
const volatile u32 sample_mask = 0;

struct sample {
	u32 src, dst; /* network order */
	u16 dport, pad;
	u32 proto;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct sample);
} samples SEC(".maps");

/* The next sample's header goes into an IPv4 frame, with a source port that makes it a flow of its own each time round. */
static __always_inline void become_sample(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	u32 now = turn++, index = now & sample_mask;
	struct sample *s = bpf_map_lookup_elem(&samples, &index);

	if (!s || data + 62 > end)
		return;
	*(u8 *)(data + 23) = s->proto;
	*(u32 *)(data + 26) = s->src;
	*(u32 *)(data + 30) = s->dst;
	*(u16 *)(data + 34) = now / (sample_mask + 1);
	*(u16 *)(data + 36) = s->dport;
}

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

static __always_inline u32 ours(struct xdp_md *ctx)
{
	struct cursor c = cursor((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	volatile struct dev_state *st = dev_state();
	struct packet p;
	u32 found;

	c.left = p.len = c.end - c.pos;
	found = parse(&c, &p, 0, 0);
	if (unlikely(found))
		return ht_record_other(found, p.len, generation(st), 0) & VERDICT_DENY;
	return flow_account(&p, st, generation(st), 0) & VERDICT_DENY;
}

/* Returns 1 when the packet is denied, which a flow that is known is not. */
static __always_inline u32 obvious(struct xdp_md *ctx, int judge)
{
	struct cursor c = cursor((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	struct packet p = {}; /* clang moves reads of what a malformed frame leaves unset to where they are made */
	struct flow_key key;
	struct obvious_flow *f;
	u64 *w = (u64 *)&key;
	u32 rule = 0;

	c.left = p.len = c.end - c.pos;
	if (parse(&c, &p, 0, 0))
		return 0;
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
		f->gen = generation(dev_state());
		return 0;
	}
	if (judge && bv_judge(&p, &rule))
		return 1;
	struct obvious_flow first = { .packets = 1, .bytes = p.len, .last = bpf_jiffies64(), .path = rule, .gen = generation(dev_state()) };
	bpf_map_update_elem(&lru, &key, &first, 0);
	return 0;
}

SEC("xdp") int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("tc") int next(struct __sk_buff *skb)
{
	return TC_NEXT;
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
	obvious(ctx, 0);
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
	obvious(ctx, 0);
	return XDP_PASS;
}

SEC("xdp") int sample_pass(struct xdp_md *ctx)
{
	become_sample(ctx);
	return XDP_PASS;
}

/* Parses and, when asked to, classifies: by hooktop's image or by vectors. */
static __always_inline int classify(struct xdp_md *ctx, int image, int vectors)
{
	struct cursor c;
	struct packet p = {};
	u32 denied = 0, rule;

	become_sample(ctx);
	c = cursor((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	c.left = p.len = c.end - c.pos;
	if (parse(&c, &p, 0, 0))
		return 0; /* XDP_ABORTED */
	if (image)
		denied = query_set(&p, dev_slot) && ht_acl_judge(1, 1) & JUDGED_DENY;
	if (vectors)
		denied = bv_judge(&p, &rule);
	return denied ? XDP_DROP : XDP_PASS;
}

SEC("xdp") int sample_parse(struct xdp_md *ctx)
{
	return classify(ctx, 0, 0);
}

SEC("xdp") int sample_ours(struct xdp_md *ctx)
{
	return classify(ctx, 1, 0);
}

SEC("xdp") int sample_vectors(struct xdp_md *ctx)
{
	return classify(ctx, 0, 1);
}

SEC("xdp") int new_ours(struct xdp_md *ctx)
{
	become_sample(ctx);
	return ours(ctx) ? XDP_DROP : XDP_PASS;
}

SEC("xdp") int new_vectors(struct xdp_md *ctx)
{
	become_sample(ctx);
	return obvious(ctx, 1) ? XDP_DROP : XDP_PASS;
}

#define XDP_TX 3

/* Senders of live frames: the kernel sends what they leave on the device that the run names, as if it came from the wire. */

/* The stack believes no IPv4 header with a wrong checksum, and would drop it before what is to be compared. */
static __always_inline int send(struct xdp_md *ctx)
{
	u16 *w = (void *)(long)ctx->data + 14;
	u32 sum = 0;

	if ((void *)(w + 10) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	w[5] = 0;
#pragma clang loop unroll(full)
	for (u32 i = 0; i < 10; i++)
		sum += w[i];
	sum = (sum & 0xffff) + (sum >> 16);
	w[5] = ~(sum + (sum >> 16));
	return XDP_TX;
}

SEC("xdp") int send_same(struct xdp_md *ctx)
{
	return XDP_TX;
}

SEC("xdp") int send_sample(struct xdp_md *ctx)
{
	become_sample(ctx);
	return send(ctx);
}

SEC("xdp") int send_each(struct xdp_md *ctx)
{
	become(ctx, turn++ & flow_mask);
	return send(ctx);
}

SEC("xdp") int send_random(struct xdp_md *ctx)
{
	become(ctx, bpf_get_prandom_u32() & flow_mask);
	return send(ctx);
}

/* Pages are used again as their receiver leaves them: what an unwrapped frame lacks from here on is put back. */
#define RESTORE_AT 42
#define RESTORE_WORDS 11
const volatile u16 restore[RESTORE_WORDS] = {};

SEC("xdp") int send_again(struct xdp_md *ctx)
{
	u16 *w = (void *)(long)ctx->data + RESTORE_AT;

	if ((void *)(w + RESTORE_WORDS) > (void *)(long)ctx->data_end)
		return XDP_DROP;
#pragma clang loop unroll(full)
	for (u32 i = 0; i < RESTORE_WORDS; i++)
		w[i] = restore[i];
	return XDP_TX;
}

SEC("xdp") int drop(struct xdp_md *ctx)
{
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
