// Answers questions about policies, one JSON line each; what a line holds is told in node.py.
// Its one argument is the folder where npm put the package.
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { join } from 'node:path'

const require = createRequire(join(process.argv[2], 'package.json'))
const { runSimulation, runUnsafeSimulation } = require('@cloud-copilot/iam-simulate')
const { validateIdentityPolicy } = require('@cloud-copilot/iam-policy')

const named = (documents) => documents.map((policy, number) => ({ name: `p${number}`, policy }))

const simulation = (question, [action, resource, contextVariables], policies, boundary) => ({
  request: {
    principal: question.principal,
    action,
    resource: { resource, accountId: question.account },
    contextVariables
  },
  identityPolicies: policies,
  permissionBoundaryPolicies: boundary,
  serviceControlPolicies: [],
  resourceControlPolicies: []
})

// Whether the package takes a request: its action, its resource, its context keys. That hangs on
// no policy, and costs more than the decision, so that each request is looked at once.
const looked = new Map()
async function mistake(question, request) {
  const key = JSON.stringify(request)
  if (!looked.has(key)) {
    const told = await runSimulation(simulation(question, request, []), {})
    const ignored = told.result?.ignoredContextKeys ?? []
    const wrong = told.resultType === 'error' ? told.errors.message : ignored.join()
    looked.set(key, wrong && `error: ${wrong}`)
  }
  return looked.get(key)
}

// Only the validating way knows actions that take no resource but "*".
async function decide(question, request, policies, boundary) {
  const asked = simulation(question, request, policies, boundary)
  if (request[1] !== '*') return runUnsafeSimulation(asked, {})
  return (await runSimulation(asked, {})).overallResult
}

async function answer(question) {
  const policies = named(question.policies)
  const boundary = question.boundary === null ? undefined : named(question.boundary)
  const errors = [...policies, ...(boundary ?? [])].flatMap((p) => validateIdentityPolicy(p.policy))
  const invalid = errors.length ? `error: ${errors[0].message}` : ''
  const answers = []
  for (const request of question.requests) {
    try {
      const wrong = invalid || (await mistake(question, request))
      answers.push(wrong || (await decide(question, request, policies, boundary)))
    } catch (error) {
      answers.push(`error: ${error.message}`)
    }
  }
  return { id: question.id, answers }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(await answer(JSON.parse(line))) + '\n')
}
