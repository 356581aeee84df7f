// SPDX-License-Identifier: Apache-2.0

package cmdlog_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/keys"
	"hooktop/ui/uitest"
	"hooktop/ui/widget/cmdlog"
)

func TestLog(t *testing.T) {
	env, clock := uitest.Env(t, "dark", themes.NoColor, false)
	env.Units.UTC = true
	var log cmdlog.Log
	show := func(m *cmdlog.Model, w, h int) string {
		b := m.View(w, h)
		for _, f := range uitest.Faults(b.Lines, w, h, true) {
			t.Error(f)
		}
		return uitest.Draw(b.Lines, w, h).Text()
	}
	if got := show(cmdlog.Open(env, &log), 60, 6); !strings.Contains(got, "Nothing was done yet") {
		t.Errorf("empty:\n%s", got)
	}
	for i := range 600 {
		log.Add(clock.Now(), fmt.Sprintf("hooktop -i eth%d \x1b[2J", i))
		clock.Pass(time.Second)
	}
	m := cmdlog.Open(env, &log)
	if got := show(m, 60, 6); !strings.Contains(got, `> 14:12:30  hooktop -i eth599 \x1b[2J`) {
		t.Errorf("newest is not selected:\n%s", got)
	}
	press := func(ks ...string) (done bool, msg any) {
		for _, k := range ks {
			d, cmd := m.Key(keys.Press(k))
			if done = d; cmd != nil {
				msg = cmd()
			}
		}
		return done, msg
	}
	press("g")
	if got := show(m, 60, 6); !strings.Contains(got, "> ") || !strings.Contains(got, "eth100 ") || strings.Contains(got, "eth99 ") {
		t.Errorf("the oldest of 500:\n%s", got)
	}
	_, msg := press("up", "j", "y")
	if c, ok := msg.(core.CopyMsg); !ok || !strings.HasPrefix(c.Text, "hooktop -i eth101") {
		t.Errorf("copied %+v", msg)
	}
	press("pgdown", "pgup", "G", "down")
	for _, k := range []string{"esc", "@", "q", "ctrl+c"} {
		if done, _ := press(k); !done {
			t.Errorf("%s does not close it", k)
		}
	}
	for w := 3; w < 80; w += 7 {
		for h := 3; h < 20; h++ {
			show(m, w, h)
		}
	}
}
