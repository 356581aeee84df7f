// SPDX-License-Identifier: Apache-2.0

package snap

// Price is what a packet costs up to the end of a stage, ns, on one hook: now and after a draft. 0: not measured.
type Price struct {
	Hook  string     // "xdp" or "tc"
	Stage string     // "flow hit" …
	Same  [2]float64 // one packet again and again
	Flows [2]float64 // packets of different flows
	Why   string     // there is no figure after the draft
}
