// SPDX-License-Identifier: Apache-2.0

package policy

var mistakes = []struct{ text string }{}
