import type { StepUpPolicies } from './step-up.ts'

/** `authorization:` in gateway.yaml, as far as this stage reads it. */
export interface AuthorizationOptions {
  /** What a field demands on which nothing stands: nothing, or with `deny` a token unless `@public`. */
  readonly default: 'allow' | 'deny'
  /**
   * `filter` leaves denied parts out, `reject` refuses an operation for one of them, `dry_run`
   * executes everything and only reports.
   */
  readonly mode: 'filter' | 'reject' | 'dry_run'
  /** `all_or_nothing` refuses a mutation when one of its root fields is denied. */
  readonly mutations: 'all_or_nothing' | 'filter'
  /** Who may introspect; `filtered` shows each caller the part of the schema that they may use. */
  readonly introspection: 'on' | 'off' | 'authenticated' | 'filtered'
  /** Where denials are told: `log` leaves it to the log, and the client sees only nulls. */
  readonly errors: 'errors' | 'extensions' | 'log'
  /** Whether a denial tells what was demanded. */
  readonly showRequirements: boolean
  /** How many combinations of met and failed guards are remembered for one operation. */
  readonly combinations: number
  /** The policies that a stronger or more recent login meets. */
  readonly stepUp: StepUpPolicies
}

export const defaultAuthorization: AuthorizationOptions = {
  default: 'allow',
  mode: 'filter',
  mutations: 'all_or_nothing',
  introspection: 'on',
  errors: 'errors',
  showRequirements: true,
  combinations: 64,
  stepUp: {},
}
