// SPDX-License-Identifier: Apache-2.0

// Package flows is the Flows tab.
package flows

import (
	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/core"
)

// Tab is the Flows screen.
type Tab struct{ env *core.Env }

// New makes the tab.
func New(env *core.Env) core.Tab { return &Tab{env: env} }

// Name implements core.Tab.
func (t *Tab) Name() string { return "Flows" }

// Update implements core.Tab.
func (t *Tab) Update(tea.Msg) tea.Cmd { return nil }

// View implements core.Tab.
func (t *Tab) View(w, h int) []string { return nil }

// Bindings implements core.Tab.
func (t *Tab) Bindings() []core.Binding { return nil }

// Query implements core.Tab.
func (t *Tab) Query(*snap.Query) {}

// Context implements core.Tab.
func (t *Tab) Context(int) string { return "" }

// Message implements core.Tab.
func (t *Tab) Message(int) string { return "" }

// Capturing implements core.Tab.
func (t *Tab) Capturing() bool { return false }

// Cursor implements core.Tab.
func (t *Tab) Cursor() *tea.Cursor { return nil }
