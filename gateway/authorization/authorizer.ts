/** May they? From an operation and a caller to the part of it that may be executed. */
import type { DocumentNode } from 'graphql'
import type { AuthorizationOptions } from './authorization-options.ts'
import { satisfiedRequirements, failingGuards } from './satisfied-requirements.ts'
import type { Caller } from '../client-request.ts'
import { guardOperation } from './guarded-operation.ts'
import type { GuardedOperation } from './guarded-operation.ts'
import type { Variables } from './conditions.ts'
import type { FindDeclarations } from './declarations.ts'
import { decisionsOn } from './decisions.ts'
import type { AuthorizedOperation, Decide } from './decisions.ts'
import { policiesOf } from './guard-directives.ts'
import type { Credentials } from './guards/guard-directive.ts'
import { tokenNeeded } from './guarded-schema.ts'
import type { GuardedSchema } from './guarded-schema.ts'

export interface Authorizer {
  readonly schema: GuardedSchema
  readonly options: AuthorizationOptions
  /** Where the guards are declared in the subgraphs, if the supergraph contains that. */
  readonly declarations: FindDeclarations | undefined
  /** Every policy that the supergraph names. */
  readonly policyNames: readonly string[]
  /**
   * Returns the operation with this name in a valid document, with its requirements.
   * The caller keeps it: decisions are remembered with it.
   */
  compile(document: DocumentNode, operationName?: string | null): GuardedOperation
  /**
   * Returns the decision. Callers that satisfy the same guards get the same object.
   *
   * @param variables as the client sent them; they decide about @skip and @include only
   * @param granted those of `compiled.policies` that decided in favour of this request
   */
  authorize(
    compiled: GuardedOperation,
    caller: Caller,
    variables: Variables,
    granted?: ReadonlySet<string>,
  ): AuthorizedOperation
  /** Returns every guard of the supergraph that the caller does not meet. */
  failing(caller: Caller, granted?: ReadonlySet<string>): ReadonlySet<number>
  /** The facts that guards evaluate, to name what is missing. */
  credentials(caller: Caller, granted?: ReadonlySet<string>): Credentials
}

const noPolicies: ReadonlySet<string> = new Set()

/** Returns the enforcer of a schema's requirements. */
export function authorizer(
  schema: GuardedSchema,
  options: AuthorizationOptions,
  declarations?: FindDeclarations,
): Authorizer {
  const policyNames = policiesOf(schema.guards)
  const compileOptions = {
    introspection: options.introspection === 'authenticated' ? [tokenNeeded] : [],
    introspectionPolicies: options.introspection === 'filtered' ? policyNames : [],
  }
  const decisions = new WeakMap<GuardedOperation, Decide>()
  const satisfied = satisfiedRequirements(schema.guards)

  return {
    schema,
    options,
    declarations,
    policyNames,
    compile(document, operationName) {
      const compiled = guardOperation(schema, document, operationName, compileOptions)
      decisions.set(compiled, decisionsOn(compiled, options))
      return compiled
    },
    authorize(compiled, caller, variables, granted = noPolicies) {
      const decide = decisions.get(compiled)
      if (!decide) throw new Error('the operation was compiled for another supergraph')
      return decide(satisfied.mask(caller, compiled.referencedGuards, granted), variables)
    },
    failing(caller, granted = noPolicies) {
      const all = schema.guards.map((_guard, number) => number)
      return failingGuards(satisfied.mask(caller, all, granted), all)
    },
    credentials: (caller, granted = noPolicies) => satisfied.credentials(caller, granted),
  }
}
