// SPDX-License-Identifier: Apache-2.0

// Package probes is the engine: it starts what looks, collects from it twice a second, and publishes frames.
//
//	Host      what the engine asks of its network namespace (netcfg/nl behind an interface)
//	Probe     anything that looks: started, collected from, stopped, all on the engine's goroutine
//	Engine    Run (start, loop, stop), Next/Ask/Do (the screen's side), Snapshot (every row), Close
//	Go        a goroutine that never takes the program down silently
//
// Life cycle: New → Run: Start of each probe, a frame with its status lines after each → loop: tick, question, wish, link
// event → ctx or Close: Stop of each probe, newest first, whatever state the start was in → the report of what was
// detached. One goroutine owns every probe; the screen sees only immutable frames, newest wins, and the engine never
// waits for it.
package probes
