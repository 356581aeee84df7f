// SPDX-License-Identifier: Apache-2.0

// Package export writes rows of a tab into files, and trace events for every place that prints them.
package export

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/format"
)

// Rows are what is saved. Encoders run beside Update: they read immutable values only.
type Rows struct {
	Name    string // of the file: hooktop-NAME-TIME.EXT
	At      time.Time
	N       int // rows at hand
	Matched int // rows that there are
	CSV     func() ([]byte, error)
	JSON    func() ([]byte, error)
	Text    func() ([]byte, error)
	Twin    string // the command that names JSON fields alike
}

// Pick asks for the kind of file.
func Pick(r Rows) tea.Cmd {
	save := func(ext string, encode func() ([]byte, error)) func() tea.Cmd {
		return func() tea.Cmd { return func() tea.Msg { return write(&r, ext, encode) } }
	}
	return core.Pick("save the rows at hand", []core.Choice{
		core.Item("CSV", "for a spreadsheet", save("csv", r.CSV)),
		core.Item("JSON", "one object a line, as "+r.Twin+" names things", save("json", r.JSON)),
		core.Item("text", "for a ticket", save("txt", r.Text)),
	})
}

// write saves rows.
func write(r *Rows, ext string, encode func() ([]byte, error)) tea.Msg {
	return File(r.Name, ext, r.At, fmt.Sprintf("%d of %s rows", r.N, format.Count(uint64(r.Matched))), encode)
}

// File makes a new file in the working folder, readable by its owner only: rows and policies name hosts and users. what is
// said to be saved. The answer is a toast.
func File(name, ext string, at time.Time, what string, encode func() ([]byte, error)) tea.Msg {
	name = "hooktop-" + name + "-" + at.Format("20060102-150405") + "." + ext
	data, err := encode()
	if err == nil {
		err = create(name, data)
	}
	if err != nil {
		return core.ToastMsg{Sev: snap.Crit, Text: "saving the view failed: " + format.Clean(err.Error()) + ". Nothing was kept."}
	}
	if abs, err := filepath.Abs(name); err == nil {
		name = abs
	}
	return core.ToastMsg{OK: true, Text: what + " saved to " + format.Clean(name)}
}

func create(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		_ = os.Remove(name) // half a file misleads
	}
	return err
}

// CSV writes a head and n rows.
func CSV(head []string, n int, row func(i int) []string) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.Write(head); err != nil {
		return nil, err
	}
	for i := range n {
		cells := row(i)
		for j := range cells {
			cells[j] = cell(cells[j])
		}
		if err := w.Write(cells); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

// cell keeps a foreign name from being taken for a formula by a spreadsheet. A number stays one.
func cell(s string) string {
	s = format.Clean(s)
	if s != "" && strings.ContainsRune("=+-@", rune(s[0])) && strings.Trim(s[1:], "0123456789.") != "" {
		return "'" + s
	}
	return s
}

// Lines puts n texts under each other.
func Lines(n int, text func(i int) string) ([]byte, error) {
	var b bytes.Buffer
	for i := range n {
		b.WriteString(text(i))
		b.WriteByte('\n')
	}
	return b.Bytes(), nil
}
