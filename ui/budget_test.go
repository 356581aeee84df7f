// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/colorprofile"

	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/paint"
	"hooktop/ui/uitest"
)

// budget is what a frame may cost on a tab, at 80x24 and 200x60: bytes to the terminal when half a second has passed and nothing else
// happened, bytes when a fifth of what is shown changed, and allocations from the frame to the view of the latter.
type budget struct {
	tab    string
	idle   [2]int
	busy   [2]int
	allocs [2]float64
}

// budgets are some 15 % above what was measured: bytes and allocations are the same in each run.
func budgets() []budget {
	return []budget{
		{"Flows", [2]int{10, 22}, [2]int{176, 420}, [2]float64{440, 830}},
		{snap.ACLTab, [2]int{10, 122}, [2]int{37, 195}, [2]float64{1120, 1690}},
		{snap.DecapTab, [2]int{10, 134}, [2]int{62, 295}, [2]float64{660, 1030}},
		{snap.ChainTab, [2]int{10, 97}, [2]int{90, 212}, [2]float64{1210, 1550}},
		{snap.TraceTab, [2]int{10, 23}, [2]int{548, 2530}, [2]float64{480, 860}},
		{snap.EventsTab, [2]int{10, 22}, [2]int{36, 160}, [2]float64{390, 660}},
		{"Programs", [2]int{10, 22}, [2]int{72, 126}, [2]float64{385, 660}},
	}
}

func budgetSizes() [][2]int { return [][2]int{{80, 24}, {200, 60}} }

// hostAt is a busy host n frames after it began, half a second each. still: only time passes.
func (s *stage) hostAt(n int, still bool) func(*snap.Frame) {
	return func(f *snap.Frame) {
		f.At = uitest.Epoch().Add(time.Duration(n) * 500 * time.Millisecond)
		seen := traced
		if !still {
			seen += 3 * n
		}
		f.Trace, f.Events = uitest.AnswerTrace(&uitest.TraceFrame().Trace, uitest.Events(seen), s.b.last().Trace), uitest.PolicyEvents()
		q := f.Flows.Query
		f.Flows = uitest.Answer(&snap.Frame{}, uitest.Flows(100), snap.FlowQuery{Limit: 100}).Flows
		f.Flows.Query = q
		if still {
			return
		}
		last := f.Events[len(f.Events)-1]
		last.Seq, last.At = last.Seq+uint64(n), f.At
		f.Events = append(f.Events, last)
		moveRates(f, n)
	}
}

const traced = 400 // events of the trace to begin with

// moveRates changes a fifth of all figures, another fifth with each frame.
func moveRates(f *snap.Frame, n int) {
	more := 1 + float64(n%7)/50
	move := func(i int, packets, bytes *uint64, rates ...*float64) {
		if i%5 != n%5 {
			return
		}
		*packets, *bytes = *packets+uint64(n*997), *bytes+uint64(n*99_991)
		for _, r := range rates {
			*r *= more
		}
	}
	f.Totals.Rate.PPS, f.Totals.Rate.BPS = f.Totals.Rate.PPS*more, f.Totals.Rate.BPS*more
	for i := range f.Flows.Rows {
		r := &f.Flows.Rows[i]
		move(i, &r.Packets, &r.Bytes, &r.Rates[0].PPS, &r.Rates[0].BPS, &r.Rates[1].PPS, &r.Rates[1].BPS)
	}
	for i := range f.Policy.Rules {
		h := &f.Policy.Rules[i]
		move(i, &h.Packets, &h.Bytes, &h.PPS)
	}
	for i := range f.Tunnels.Rows {
		r := &f.Tunnels.Rows[i]
		move(i, &r.Packets, &r.Bytes, &r.PPS, &r.BPS)
	}
	for i := range f.Chains.Rows {
		for k := range f.Chains.Rows[i].Legs {
			l := &f.Chains.Rows[i].Legs[k]
			move(i+k, &l.Packets, &l.Bytes, &l.PPS)
		}
	}
	for i := range f.Programs {
		p := &f.Programs[i]
		p.Runs, p.RunNs = p.Runs*uint64(100+n)/100, p.RunNs*uint64(100+n)/100
	}
}

func withEngine(_ *Options, env *core.Env, _ *look) { env.Units.UTC = true }

// meter is a terminal that counts.
type meter struct {
	*stage
	brush *paint.Painter
	wrote chan []byte
	total int
}

// told ends what one look at the screen writes.
const told = "\x00told\x00"

func (m *meter) Write(b []byte) (int, error) {
	m.wrote <- slices.Clone(b)
	return len(b), nil
}

func startMeter(t *testing.T, s *stage) *meter {
	t.Helper()
	m := &meter{stage: s, wrote: make(chan []byte, 16)}
	m.brush = paint.New(m, paint.Options{Env: []string{"TERM=xterm-256color"}, Profile: colorprofile.ANSI256, Tabs: true, Backspace: true})
	go m.brush.Run()
	t.Cleanup(m.brush.Close)
	return m
}

// draw gives how many bytes the model's present view costs after the last one.
func (m *meter) draw() (bytes int) {
	m.Helper()
	m.brush.Show(m.m.picture())
	m.brush.Say(told)
	late := time.After(patience)
	for {
		select {
		case b := <-m.wrote:
			if bytes += len(b); strings.Contains(string(b), told) {
				return bytes - len(told)
			}
		case <-late:
			m.Fatal("nothing was drawn")
		}
	}
}

// TestBytesOfAFrameStayWithinBudget: UX 13, for each tab.
func TestBytesOfAFrameStayWithinBudget(t *testing.T) {
	for i, size := range budgetSizes() {
		for _, b := range budgets() {
			t.Run(fmt.Sprintf("%s %dx%d", b.tab, size[0], size[1]), func(t *testing.T) {
				m := startMeter(t, onTab(t, b.tab, size))
				at := 0
				show := func(still bool) int {
					at++
					m.clock.Pass(500 * time.Millisecond)
					m.frame(m.hostAt(at, still))
					return m.draw()
				}
				for range 4 {
					show(true)
				}
				for _, c := range []struct {
					name  string
					still bool
					most  int
				}{{"idle", true, b.idle[i]}, {"busy", false, b.busy[i]}} {
					const n = 20
					sum := 0
					for range n {
						sum += show(c.still)
					}
					if t.Logf("%s: %d bytes a frame, budget %d", c.name, sum/n, c.most); sum/n > c.most {
						t.Errorf("%s: %d bytes a frame, budget %d", c.name, sum/n, c.most)
					}
				}
			})
		}
	}
}

// onTab has a host with everything, and a tab in view.
func onTab(t *testing.T, tab string, size [2]int) *stage {
	t.Helper()
	s := newStage(t, size[0], size[1], realTabs, withEngine)
	s.b.engine = uitest.NewEnforcer(uitest.SteerText)
	s.frame(s.hostAt(0, true))
	for key := '1'; key <= '9'; key++ {
		if s.press(string(key)); s.m.tab().Name() == tab {
			return s
		}
	}
	t.Fatalf("no key shows the tab %s", tab)
	return nil
}

// TestAllocationsOfAFrameStayWithinBudget: from the frame's message to the whole view.
func TestAllocationsOfAFrameStayWithinBudget(t *testing.T) {
	for i, size := range budgetSizes() {
		for _, b := range budgets() {
			s := onTab(t, b.tab, size)
			const runs = 20
			var frames []*snap.Frame
			for n := range runs + 1 { // AllocsPerRun warms up once
				frames = append(frames, s.makeFrame(s.hostAt(n, false)))
			}
			at := 0
			got := testing.AllocsPerRun(runs, func() {
				s.m.Update(frameMsg{frame: frames[at]})
				s.m.View()
				at++
			})
			t.Logf("%dx%d, %s: %.0f allocations, budget %.0f", size[0], size[1], b.tab, got, b.allocs[i])
			if got > b.allocs[i] {
				t.Errorf("%dx%d, %s: %.0f allocations a frame, budget %.0f", size[0], size[1], b.tab, got, b.allocs[i])
			}
		}
	}
}
