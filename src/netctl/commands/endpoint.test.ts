import { testLines } from '../test-lines.ts'

testLines([
  {
    line: 'ep inspect web',
    answers: { 'GET /api/v1/inspect/endpoints/web/': { Config: {}, Oper: { endpointID: 'abc' } } },
    asked: ['GET /api/v1/inspect/endpoints/web/'],
    out: `${JSON.stringify({ Config: {}, Oper: { endpointID: 'abc' } }, null, 2)}\n`,
  },
  {
    line: 'endpoint inspect nope',
    answers: {
      'GET /api/v1/inspect/endpoints/nope/': { status: 404, text: 'no endpoint, container id or name contains nope' },
    },
    status: 3,
    err: /no endpoint/,
  },
])
