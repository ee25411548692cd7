-- CreateTable
CREATE TABLE "MetricSeries" (
    "id" SERIAL NOT NULL,
    "node" TEXT NOT NULL,
    "workloadId" TEXT NOT NULL,
    "replica" INTEGER NOT NULL,
    "cpuLimit" DOUBLE PRECISION,
    "memoryLimitBytes" DOUBLE PRECISION,
    "diskLimitBytes" DOUBLE PRECISION,

    CONSTRAINT "MetricSeries_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "MetricPoint" (
    "seriesId" INTEGER NOT NULL,
    "step" INTEGER NOT NULL,
    "at" TIMESTAMP(3) NOT NULL,
    "cpu" DOUBLE PRECISION,
    "memoryBytes" DOUBLE PRECISION,
    "diskBytes" DOUBLE PRECISION,
    "rxRate" DOUBLE PRECISION,
    "txRate" DOUBLE PRECISION,
    "readRate" DOUBLE PRECISION,
    "writeRate" DOUBLE PRECISION,

    CONSTRAINT "MetricPoint_pkey" PRIMARY KEY ("seriesId","step","at")
);

-- AlterTable
ALTER TABLE "Lattice" ADD COLUMN "thresholds" JSONB;

-- CreateIndex
CREATE UNIQUE INDEX "MetricSeries_node_workloadId_replica_key" ON "MetricSeries"("node", "workloadId", "replica");

-- CreateIndex
CREATE INDEX "MetricSeries_workloadId_idx" ON "MetricSeries"("workloadId");

-- CreateIndex
CREATE INDEX "MetricPoint_step_at_idx" ON "MetricPoint"("step", "at");

-- AddForeignKey
ALTER TABLE "MetricPoint" ADD CONSTRAINT "MetricPoint_seriesId_fkey" FOREIGN KEY ("seriesId") REFERENCES "MetricSeries"("id") ON DELETE CASCADE ON UPDATE CASCADE;
