// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"hooktop/ui/format"
)

// Exit codes.
const (
	ExitOK       = 0
	ExitFailed   = 1
	ExitUsage    = 2
	ExitFallback = 3
)

// ErrNothingAttached says that no program could attach and the read-only fallback was shown.
var ErrNothingAttached = errors.New("nothing could attach, flows came from conntrack and /proc")

// Error is a failure with its exit code and what to do about it.
type Error struct {
	Code int
	Err  error  // nil: say nothing (the text was printed by a child)
	Fix  string // what to do, "" when there is nothing to advise
}

func (e *Error) Error() string {
	switch {
	case e.Err == nil:
		return fmt.Sprintf("exit code %d", e.Code)
	case e.Fix == "":
		return e.Err.Error()
	}
	return e.Err.Error() + ": " + e.Fix
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// usagef makes an error for wrong usage.
func usagef(fix, text string, args ...any) error {
	return &Error{Code: ExitUsage, Err: fmt.Errorf(text, args...), Fix: fix}
}

// exitCode returns the code that stands for err.
func exitCode(err error) int {
	var coded *Error
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &coded):
		return coded.Code
	case errors.Is(err, ErrNothingAttached):
		return ExitFallback
	}
	return ExitFailed
}

// line is err as one line for stderr, "" when there is nothing to say.
func line(err error) string {
	var coded *Error
	if err == nil || errors.As(err, &coded) && coded.Err == nil {
		return ""
	}
	if errors.Is(err, context.Canceled) && err.Error() == context.Canceled.Error() {
		return "interrupted"
	}
	return format.Clean(strings.Join(strings.Fields(err.Error()), " "))
}
