/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Live traces: one program for the beginnings of functions, one for their ends, one for tracepoints, and two that keep
 * journeys true where no event is asked for. The same object serves kprobe.multi and single kprobes. */
#include "../include/trace_calls.h"
#include "../include/trace_emit.h"
#include "../include/trace_regs.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline u64 cookie_of(struct pt_regs *ctx)
{
	u64 ip, *cookie;

	if (cookies)
		return bpf_get_attach_cookie(ctx);
	ip = regs_ip(ctx);
	cookie = bpf_map_lookup_elem(&ht_tr_funcs, &ip);
	return cookie ? *cookie : 0;
}

static __always_inline u64 chosen(const struct hit *h, u32 arg)
{
	return arg == 0 ? h->args[0] : arg == 1 ? h->args[1] : arg == 2 ? h->args[2] : arg == 3 ? h->args[3] : arg == 4 ? h->args[4] : 0;
}

static __always_inline void begin(struct hit *h, u64 cookie)
{
	h->func = cookie;
	h->place = cookie >> COOKIE_FLAGS & 0xff;
	h->skb = chosen(h, cookie >> COOKIE_SKB & ARG_NONE);
	h->sk = chosen(h, cookie >> COOKIE_SK & ARG_NONE);
}

SEC("kprobe")
int ht_tr_call(struct pt_regs *ctx)
{
	struct hit h = {};
	int shown;

	regs_args(ctx, h.args);
	h.sp = regs_sp(ctx);
	begin(&h, cookie_of(ctx));
	shown = pass(ctx, &h);
	if (want_ret)
		note_call(&h, shown);
	return 0;
}

SEC("kprobe")
int ht_tr_return(struct pt_regs *ctx)
{
	struct hit h = {};
	struct seen s = {};
	u64 begun;

	h.func = cookie_of(ctx);
	h.ts = bpf_ktime_get_ns();
	h.sp = regs_sp(ctx);
	h.flags = TRACE_RETURN;
	begun = end_call(&h);
	if (begun)
		emit(ctx, &h, &s, regs_return(ctx), h.ts - begun);
	return 0;
}

/* Arguments of a raw tracepoint. One access beyond tp_args and the kernel refuses to attach. */
struct tp_ctx {
	u64 args[5];
};

SEC("raw_tp")
int ht_tr_point(struct tp_ctx *ctx)
{
	struct hit h = {};

	if (tp_args > 0)
		h.args[0] = ctx->args[0];
	if (tp_args > 1)
		h.args[1] = ctx->args[1];
	if (tp_args > 2)
		h.args[2] = ctx->args[2];
	if (tp_args > 3)
		h.args[3] = ctx->args[3];
	if (tp_args > 4)
		h.args[4] = ctx->args[4];
	if (tp_states && !(tp_states >> (h.args[1] & 31) & 1)) {
		trace_count(TRACE_FILTERED);
		return 0;
	}
	begin(&h, tp_cookie);
	if (h.place & (FUNC_FOLLOWS | FUNC_QUIET) && !may_be_known(h.skb))
		return 0;
	if (tp_reason != ARG_NONE)
		h.reason = chosen(&h, tp_reason);
	if (!(h.place & FUNC_QUIET))
		pass(ctx, &h);
	if (h.place & FUNC_FREES)
		end_journey(h.skb);
	return 0;
}

/* On functions that free an sk_buff, their first argument. */
SEC("kprobe")
int ht_tr_free(struct pt_regs *ctx)
{
	struct hit h = {};

	regs_args(ctx, h.args);
	end_journey(h.args[0]);
	return 0;
}

/* On functions that make an sk_buff, their first argument, from another, their second. */
SEC("kprobe")
int ht_tr_copy(struct pt_regs *ctx)
{
	struct hit h = {};

	regs_args(ctx, h.args);
	share_journey(h.args[0], h.args[1]);
	return 0;
}
