/**
 * The fault: to find the variables in the arguments of a field, the planner's library visits each list
 * twice, by its elements and by its keys. That is 2^n visits for lists nested n deep: a literal of 100
 * characters keeps it busy forever. Importing this file replaces that function.
 */
import { isVariable, VariableCollector } from '@apollo/federation-internals'

VariableCollector.prototype.collectInArguments = function (args) {
  collect(this, args)
}

function collect(collector: VariableCollector, value: unknown): void {
  if (isVariable(value)) return collector.add(value)
  if (typeof value !== 'object' || value === null) return
  for (const inner of Object.values(value)) collect(collector, inner)
}
