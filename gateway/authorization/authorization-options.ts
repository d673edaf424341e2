import type { StepUpPolicies } from './step-up.ts'

/** The part of `authorization:` in gateway.yaml that this stage reads. */
export interface AuthorizationOptions {
  /** What a field without a directive demands: `allow` nothing, `deny` an access token. */
  readonly default: 'allow' | 'deny'
  /**
   * `filter` leaves denied parts out, `reject` refuses an operation for one of them, `dry_run`
   * executes everything and only reports.
   */
  readonly mode: 'filter' | 'reject' | 'dry_run'
  /** `all_or_nothing` refuses a mutation when one of its root fields is denied. */
  readonly mutations: 'all_or_nothing' | 'filter'
  /** Who may introspect; `filtered` shows each caller the part of the schema that they may use. */
  readonly introspection: 'allow' | 'authenticated' | 'filtered' | 'refuse'
  /** Where denials are reported; with `log` only there, and the client sees only nulls. */
  readonly errors: 'errors' | 'extensions' | 'log'
  /** Whether a denial names the requirements. */
  readonly showRequirements: boolean
  /** How many combinations of met and failed guards are remembered for one operation. */
  readonly combinations: number
  /** The policies that a stronger or more recent login meets. */
  readonly stepUp: StepUpPolicies
}

/** The options where gateway.yaml has none. */
export const defaultAuthorization: AuthorizationOptions = {
  default: 'allow',
  mode: 'filter',
  mutations: 'all_or_nothing',
  introspection: 'allow',
  errors: 'errors',
  showRequirements: true,
  combinations: 64,
  stepUp: {},
}
