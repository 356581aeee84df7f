// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"hooktop/netcfg/policy"
)

// Policy is what decides, as somebody at the door is told.
type Policy struct {
	Gen   uint32 `json:"gen"` // 0: none decides, everything passes
	Text  string `json:"text"`
	Trial bool   `json:"trial"`
}

const askPolicy = "policy"

// answerBytes is the most that an answer may have: each byte of a text may be escaped.
const answerBytes = 6*policy.MaxBytes + knockBytes

// Policy is what decides now.
func (s *Service) Policy() Policy {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notice() // that a lease has ended
	e := s.inForce()
	return Policy{Gen: e.id, Text: e.text, Trial: e != &s.kept}
}

// AskPolicy asks the hooktop that listens at path for the policy that decides. False: there is no such hooktop, or it is not for us.
func AskPolicy(ctx context.Context, path string) (Policy, bool, error) {
	r, err := visit(ctx, path, knock{Ask: askPolicy}, answerBytes)
	switch {
	case errors.Is(err, errNobody), errors.Is(err, fs.ErrPermission):
		return Policy{}, false, nil
	case err != nil:
		return Policy{}, false, fmt.Errorf("ask the running hooktop for its policy: %w", err)
	case r.Policy == nil:
		return Policy{}, false, errors.New("ask the running hooktop for its policy: it is an older one, which does not tell")
	}
	return *r.Policy, true, nil
}
