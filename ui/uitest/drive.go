// SPDX-License-Identifier: Apache-2.0

package uitest

import (
	"testing"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/keys"
)

// Bench drives one tab as the shell does: keys through its bindings, questions answered by brute force.
type Bench struct {
	T     testing.TB
	Tab   core.Tab
	Env   *core.Env
	Clock *Clock
	Base  *snap.Frame
	All   []snap.Flow
	Trace []snap.TraceEvent
	Asked snap.Query // the question answered last
	// Engine carries out intents and gives frames their policy; nil: intents are only noted.
	Engine *Enforcer
	// Holder is the tab that holds the draft of the policy, when that is another one; nil: none.
	Holder core.Tab
	W, H   int
	Msgs   []tea.Msg // what the tab asked of the shell, except questions
}

// Frame gives the tab a new frame that answers its present question, until it has no other.
func (b *Bench) Frame() {
	b.T.Helper()
	for i := 0; i < 5; i++ {
		var q snap.Query
		b.Tab.Query(&q)
		b.Asked = q
		b.Base.Seq++
		before := len(b.Msgs)
		f := b.answer(q)
		if b.Holder != nil {
			b.runFor(b.Holder, b.Holder.Update(core.FrameMsg{Frame: f}))
		}
		if !b.run(b.Tab.Update(core.FrameMsg{Frame: f})) {
			return
		}
		b.Msgs = b.Msgs[:before]
	}
	b.T.Fatalf("the tab asks without end: %+v %+v", b.Asked.Flows, b.Asked.Trace)
}

func (b *Bench) answer(q snap.Query) *snap.Frame {
	f := Answer(b.Base, b.All, q.Flows)
	f.Trace = AnswerTrace(&b.Base.Trace, b.Trace, q.Trace)
	if b.Engine != nil {
		b.Engine.Frame(f)
	}
	return f
}

// Quiet gives the tab a frame that answers the last question, whatever it wants now.
func (b *Bench) Quiet() {
	b.Base.Seq++
	b.run(b.Tab.Update(core.FrameMsg{Frame: b.answer(b.Asked)}))
}

// Press sends keys by name. A key that is bound runs its binding, unless the tab captures; a disabled one fails the test.
func (b *Bench) Press(names ...string) {
	b.T.Helper()
	for _, name := range names {
		var cmd tea.Cmd
		if b.Tab.Capturing() {
			cmd = b.Tab.Update(keys.Press(name))
		} else if k := keys.Find(b.Tab.Bindings(), name); k == nil {
			b.T.Fatalf("no binding for %q", name)
		} else if k.Disabled != "" {
			b.T.Fatalf("%q is disabled: %s", name, k.Disabled)
		} else {
			cmd = k.Do()
		}
		if b.run(cmd) {
			b.Frame()
		}
	}
}

// Type sends text key by key.
func (b *Bench) Type(text string) {
	b.T.Helper()
	for _, r := range text {
		if r == ' ' {
			b.Press("space")
			continue
		}
		b.Press(string(r))
	}
}

// run carries out a command and reports whether the tab asks anew.
func (b *Bench) run(cmd tea.Cmd) (ask bool) { return b.runFor(b.Tab, cmd) }

// runFor does it for a tab: what comes back goes to that one.
func (b *Bench) runFor(tab core.Tab, cmd tea.Cmd) (ask bool) {
	if cmd == nil {
		return false
	}
	switch msg := cmd().(type) {
	case nil:
	case core.AskMsg:
		return true
	case tea.BatchMsg:
		for _, c := range msg {
			ask = b.runFor(tab, c) || ask
		}
	case core.TellMsg:
		if b.Holder != nil && msg.Tab == b.Holder.Name() {
			return b.runFor(b.Holder, b.Holder.Update(msg.With))
		}
	case core.ToastMsg, core.LogMsg, core.CopyMsg, core.PickMsg, core.ConfirmMsg, core.GoMsg, core.AnswerMsg:
		b.Msgs = append(b.Msgs, msg)
	case core.DoMsg:
		b.Msgs = append(b.Msgs, msg)
		if b.Engine != nil {
			ask = b.runFor(tab, tab.Update(core.AnswerMsg{Intent: msg.Intent, Answer: b.Engine.Do(msg.Intent), Quiet: msg.Quiet}))
		}
	default: // the tab's own
		ask = b.runFor(tab, tab.Update(msg))
	}
	return ask
}

// Send gives the tab a message as the shell would.
func (b *Bench) Send(msg tea.Msg) {
	b.T.Helper()
	if b.run(b.Tab.Update(msg)) {
		b.Frame()
	}
}

// Pick chooses the item of the picker that was opened last whose label begins so.
func (b *Bench) Pick(label string) {
	b.T.Helper()
	for i := len(b.Msgs) - 1; i >= 0; i-- {
		p, ok := b.Msgs[i].(core.PickMsg)
		if !ok {
			continue
		}
		for j, it := range p.Items {
			if len(it.Label) >= len(label) && it.Label[:len(label)] == label {
				if b.run(p.Done(j)) {
					b.Frame()
				}
				return
			}
		}
		b.T.Fatalf("no item %q in %q: %+v", label, p.Title, p.Items)
	}
	b.T.Fatalf("no picker is open")
}

// Draw draws the tab's view at the bench's size.
func (b *Bench) Draw() *Screen { return Draw(b.Tab.View(b.W, b.H), b.W, b.H) }

// Last returns the newest message of a type that the tab sent.
func Last[M tea.Msg](b *Bench) (M, bool) {
	for i := len(b.Msgs) - 1; i >= 0; i-- {
		if m, ok := b.Msgs[i].(M); ok {
			return m, true
		}
	}
	var none M
	return none, false
}
