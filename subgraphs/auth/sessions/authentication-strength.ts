/** How the user of a session was authenticated: the claims `acr`, `amr` and `auth_time`. */

/** The method references of RFC 8176. */
export type Method = 'pwd' | 'otp' | 'pop' | 'user' | 'mfa'

/** One factor, or two: the levels of NIST SP 800-63B-4. */
export type Level = 'aal1' | 'aal2'

export interface Strength {
  readonly level: Level
  readonly methods: readonly Method[]
}

/** The strength of each way to log in. */
export const strengths = {
  password: { level: 'aal1', methods: ['pwd'] },
  passwordAndCode: { level: 'aal2', methods: ['pwd', 'otp', 'mfa'] },
  // The device proves its possession, and that its owner unlocked it.
  passkey: { level: 'aal2', methods: ['pop', 'user', 'mfa'] },
} as const satisfies Record<string, Strength>
