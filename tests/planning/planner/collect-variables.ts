import { expect, test } from '@jest/globals'
import { Variable, VariableCollector } from '@apollo/federation-internals'
import '../../../gateway/planning/collect-variables.ts'

test('each value of a nested literal is searched for variables only once', () => {
  let looks = 0
  const innermost = {
    get value() {
      looks++
      return new Variable('inside')
    },
  }
  let literal: unknown = innermost
  for (let depth = 0; depth < 16; depth++) literal = [literal]
  const collector = new VariableCollector()
  collector.collectInArguments({ literal, plain: new Variable('plain'), none: null, text: 'x' })
  expect(collector.variables().map(String)).toEqual(['$inside', '$plain'])
  expect(looks).toBe(1)
})
