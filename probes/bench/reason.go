// SPDX-License-Identifier: Apache-2.0

package bench

// Reason says why a goal is out of reach, where that is known.
func Reason(id string) string {
	why := map[string]string{
		"S3": "a million flows at random are bound by one cache miss and one TLB miss a packet.",
		"S4": "some 200 of the 500 ns of a new flow are its classification.",
	}[id]
	if why == "" {
		return "the reason is not known."
	}
	return why
}
