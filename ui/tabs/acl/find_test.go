// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"strings"
	"testing"

	"hooktop/ui/core"
	"hooktop/ui/uitest"
)

// TestOthersLeadToALine: the number is of the policy in force, wherever the draft has the line now.
func TestOthersLeadToALine(t *testing.T) {
	b := bench(t, uitest.PolicyText, 80, 30)
	onLine(b, 4)
	b.Press("D")
	b.Send(core.LineMsg{Line: 8})
	if r, _ := tab(b).selected(); r.n != 7 {
		t.Errorf("%+v", r)
	}
	b.Send(core.LineMsg{Line: 2}) // a default
	if r, _ := tab(b).selected(); r.n != 2 {
		t.Errorf("%+v", r)
	}
	b.Send(core.LineMsg{Line: 99})
	if m, _ := uitest.Last[core.ToastMsg](b); !strings.Contains(m.Text, "line 99 of the policy in force is not in the draft") {
		t.Errorf("%+v", m)
	}
	env, _ := uitest.Env(t, "dark", 0, false)
	late := &uitest.Bench{T: t, Tab: New(env), Env: env, Base: uitest.Frame(9), All: uitest.Flows(9), W: 80, H: 24, Engine: uitest.NewEnforcer(uitest.PolicyText)}
	late.Send(core.LineMsg{Line: 8})
	late.Draw()
	late.Frame()
	late.Frame()
	if r, _ := tab(late).selected(); r.n != 8 {
		t.Errorf("asked before the policy was read: %+v", r)
	}
}
