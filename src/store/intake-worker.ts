/** A thread that takes in what it is told to, a batch at a time. */
import { parentPort, workerData } from 'node:worker_threads';
import { Intake, type IntakePlace, type Order } from './intake';

const intake = new Intake(workerData as IntakePlace);

parentPort?.on('message', (orders: Order[]) => {
  parentPort?.postMessage(orders.map(order => intake.take(order)));
});
