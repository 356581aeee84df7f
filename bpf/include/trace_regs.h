/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Registers of a probe by their meaning. The object is the same for each architecture: which names the kernel's pt_regs has
 * is known when it is loaded. */
#pragma once

#include "kernel.h"

#define arm64(ctx) ((struct pt_regs___arm64 *)(ctx))
#define is_amd64() field_exists(((struct pt_regs *)0)->di)

static __always_inline void regs_args(struct pt_regs *ctx, u64 *args)
{
	if (is_amd64()) {
		args[0] = ctx->di;
		args[1] = ctx->si;
		args[2] = ctx->dx;
		args[3] = ctx->cx;
		args[4] = ctx->r8;
	} else {
		args[0] = arm64(ctx)->regs[0];
		args[1] = arm64(ctx)->regs[1];
		args[2] = arm64(ctx)->regs[2];
		args[3] = arm64(ctx)->regs[3];
		args[4] = arm64(ctx)->regs[4];
	}
}

/* Address of the function: a probe on amd64 shows the breakpoint's byte behind it. */
static __always_inline u64 regs_ip(struct pt_regs *ctx)
{
	return is_amd64() ? ctx->ip - 1 : arm64(ctx)->pc;
}

static __always_inline u64 regs_sp(struct pt_regs *ctx)
{
	return is_amd64() ? ctx->sp : arm64(ctx)->sp;
}

static __always_inline u64 regs_return(struct pt_regs *ctx)
{
	return is_amd64() ? ctx->ax : arm64(ctx)->regs[0];
}
