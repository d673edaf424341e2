/** What clients see of a gateway that stops and has several workers: the same as of a single process. */
import { testStopping } from '../support/stopping-gateway.ts'

testStopping(2)
