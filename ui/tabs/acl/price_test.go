// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"strings"
	"testing"

	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/uitest"
)

// The review has a draft measured on a key, once at a time, and shows the figures as long as they are of this draft.
func TestTheReviewMeasuresStageByStage(t *testing.T) {
	b := bench(t, uitest.PolicyText, 120, 60)
	onLine(b, 4)
	b.Press("D")
	b.Frame()
	b.Send(core.ReviewMsg{})
	b.Frame()
	b.Press("m")
	m, _ := uitest.Last[core.DoMsg](b)
	if m.Intent.Kind != snap.PricePolicy || m.Intent.Policy.Text == "" || m.Intent.Policy.Text == uitest.PolicyText {
		t.Fatalf("asked for %+v", m.Intent)
	}
	answer := core.AnswerMsg{Intent: m.Intent, Answer: snap.Answer{Prices: []snap.Price{
		{Hook: "xdp", Stage: "flow hit", Same: [2]float64{44.4, 45}, Flows: [2]float64{200, 210}},
		{Hook: "xdp", Stage: "classification", Same: [2]float64{0, 166}, Flows: [2]float64{0, 301.6}},
		{Hook: "xdp", Stage: "chain mark", Why: "the policy has no \x1bchain"},
		{Hook: "tc", Stage: "chain mark", Why: "the policy has no \x1bchain"},
	}}}
	b.Send(answer)
	has(t, b, "flow hit             44       45        200      210")
	has(t, b, "classification        -      166          -      302")
	has(t, b, "chain mark: the policy has no")
	if n := strings.Count(b.Draw().Text(), "chain mark"); n != 1 || strings.Contains(b.Draw().Text(), "\x1b") {
		t.Errorf("%d times why:\n%s", n, b.Draw().Text())
	}
	b.Press("esc", "u") // another draft than was measured
	onLine(b, 5)
	b.Press("D")
	b.Frame()
	b.Send(core.ReviewMsg{})
	b.Frame()
	if strings.Contains(b.Draw().Text(), "ns a packet up to") {
		t.Errorf("figures of another draft:\n%s", b.Draw().Text())
	}
}
