/*
 * bull_board: the dashboard Bull Board for one queue, asked over HTTP as its page does.
 *
 *     const board = await openBullBoard(queue);
 *     const { job, status } = await board.get(`/api/queues/${queue.name}/${job.id}`);
 *     await board.close();
 */
import { once } from 'node:events';
import Module, { createRequire } from 'node:module';
import express from 'express';

/* It requires a package of the name "bullmq", only to see what a queue is. Here the package bears the names of its versions. */
const resolve = Module._resolveFilename;
Module._resolveFilename = (name, ...rest) => resolve(name === 'bullmq' ? 'bullmq6' : name, ...rest);
const require = createRequire(import.meta.url);
const { createBullBoard } = require('@bull-board/api');
const { BullMQAdapter } = require('@bull-board/api/bullMQAdapter');
const { ExpressAdapter } = require('@bull-board/express');

export async function openBullBoard(queue) {
  const serverAdapter = new ExpressAdapter();
  createBullBoard({ queues: [new BullMQAdapter(queue)], serverAdapter });
  const server = express().use(serverAdapter.getRouter()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    async get(path) {
      const answer = await fetch(`http://127.0.0.1:${server.address().port}${path}`);
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
      return answer.json();
    },
    close: () => new Promise((done) => server.close(done).closeAllConnections()),
  };
}
