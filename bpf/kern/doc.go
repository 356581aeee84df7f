// SPDX-License-Identifier: Apache-2.0

// Package kern is hooktop's only door to bpf(2), for those who observe and for those who change.
//
// Words: a Pipeline is the set of shared maps (flow table, counters) with everything that was loaded over them. A device
// has a slot, a small number that stands for it in keys and counters. An instance is one program loaded for one device and
// hook, with that device's constants in it. An Attachment is an instance on its hook; closing it takes it off and waits
// until the kernel has let go.
//
// Life cycle: Open → AttachXDP, AttachTCX or ProgramForFilter, one device and direction each → Table, Counters →
// Attachment.Close → Forget the slot → Close. Nothing is pinned: all of it ends with the process.
package kern
