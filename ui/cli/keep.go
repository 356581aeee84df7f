// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"path/filepath"

	"hooktop/netcfg/policy"
	"hooktop/ui/format"
)

type keepObject struct {
	Schema string `json:"schema"`
	Text   string `json:"text"`
}

func runKeep(c *call) error {
	text, err := c.b.Keep(c.ctx, c.args[0])
	if err != nil {
		return err
	}
	text = format.Clean(text)
	return c.print(keepObject{Schema: "hooktop.keep/1", Text: text}, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, text)
		return err
	})
}

// launchPolicy reads the file of --policy before anything attaches, so that a bad one costs nothing.
func (c *call) launchPolicy() error {
	p := &c.opt.Policy
	if p.Events != "" {
		path, err := filepath.Abs(p.Events)
		if err != nil {
			return fmt.Errorf("--events: %w", err)
		}
		p.Events = path
	}
	if p.File == "" {
		return nil
	}
	read, err := c.readPolicy(p.File)
	if err != nil {
		return fmt.Errorf("--policy: %w", err)
	}
	defer read.close()
	if _, err := policy.Parse(read.text); err != nil {
		return usagef("see hooktop fmt "+read.name, "--policy %s: %w", read.name, err)
	}
	path, err := filepath.Abs(p.File)
	if err != nil {
		return fmt.Errorf("--policy: %w", err)
	}
	p.File, p.Text = path, read.text
	return nil
}
