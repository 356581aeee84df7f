/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Registers of a probe by their meaning. The object is the same for each architecture: which names the kernel's pt_regs has
 * is known when it is loaded. */
#pragma once

#include "kernel.h"

/* Each load stays one of its own: the verifier takes no pointer into the registers that is computed first. */
#define load_reg(ctx, amd64, arm64)                                                                                            \
	({                                                                                                             \
		u64 __r;                                                                                               \
		if (field_exists(((struct pt_regs *)0)->di)) {                                                         \
			__r = (ctx)->amd64;                                                                            \
			barrier_var(__r);                                                                              \
		} else {                                                                                               \
			__r = ((struct pt_regs___arm64 *)(ctx))->arm64;                                                \
			barrier_var(__r);                                                                              \
		}                                                                                                      \
		__r;                                                                                                   \
	})

static __always_inline void regs_args(struct pt_regs *ctx, u64 *args)
{
	args[0] = load_reg(ctx, di, regs[0]);
	args[1] = load_reg(ctx, si, regs[1]);
	args[2] = load_reg(ctx, dx, regs[2]);
	args[3] = load_reg(ctx, cx, regs[3]);
	args[4] = load_reg(ctx, r8, regs[4]);
}

/* Address of the function: on amd64 a probe shows the byte behind its breakpoint. */
static __always_inline u64 regs_ip(struct pt_regs *ctx)
{
	u64 ip = load_reg(ctx, ip, pc);

	return field_exists(((struct pt_regs *)0)->di) ? ip - 1 : ip;
}

static __always_inline u64 regs_sp(struct pt_regs *ctx)
{
	return load_reg(ctx, sp, sp);
}

static __always_inline u64 regs_return(struct pt_regs *ctx)
{
	return load_reg(ctx, ax, regs[0]);
}
