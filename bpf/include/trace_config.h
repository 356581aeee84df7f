/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Constants of the trace programs, set before an instance is loaded. The verifier sees their values and drops what they
 * switch off, helpers that this kernel lacks among it. Go: Trace.load in bpf/kern. */
#pragma once

#include "compat.h"
#include "wire.h"

/* The packet filter; the first TERM_NONE ends it. */
const volatile struct trace_term filter[TRACE_TERMS] = {};

/* Events per second and CPU. */
const volatile u32 rate = 0;

/* Bytes in a ring from which on user space is woken. */
const volatile u32 wake_at = 0;

/* 1: attach cookies say which function it is (5.15); 0: its address does, by ht_tr_funcs. */
const volatile u8 cookies = 0;

/* 1: each event has its stack. */
const volatile u8 want_stack = 0;

/* 1: calls are noted for their returns. */
const volatile u8 want_ret = 0;

/* 1: no function can be hooked, so clones are told by the data that they share, and sk_buffs that were freed unseen by
 * where packets begin. */
const volatile u8 by_head = 0;

/* 1: the kernel gives this instance's arguments with their types, and their fields are loaded without a helper. */
const volatile u8 direct = 0;

/* The tracepoint of this instance: its cookie (COOKIE_*), the number of its arguments, and which of them is the drop
 * reason (ARG_NONE: none). */
const volatile u64 tp_cookie = 0;
const volatile u8 tp_args = 0;
const volatile u8 tp_reason = 0;

/* Of sock:inet_sock_set_state: the states (as bits) whose end is shown, 0: any. Connections end in most states all the time. */
const volatile u32 tp_states = 0;

/* Keeps the type of events in the object, of which the Go side is made: nothing else has it by name. */
const struct trace_stack *const volatile event_type = NULL;
