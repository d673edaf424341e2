/** What clients see of a gateway that stops. */
import { testStopping } from '../support/stopping-gateway.ts'

testStopping(1)
