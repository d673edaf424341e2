/** What the documentation says about a running gateway: one suite, which loads the gateway once. */
import './metrics.ts'
import './own-issuer.ts'
import './persisted-operations.ts'
