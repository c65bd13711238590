# The controller's image, from the same `make` as everything else: docker build -t stoker .
FROM debian:bookworm-slim AS build
WORKDIR /src
COPY . .
RUN ./bootstrap --build && make -j"$(nproc)" && make install DESTDIR=/out PREFIX=/usr

FROM debian:bookworm-slim
COPY bootstrap /tmp/bootstrap
RUN /tmp/bootstrap --runtime && rm -rf /tmp/bootstrap /var/lib/apt/lists/*
COPY --from=build /out/usr/bin/stoker /usr/bin/stoker
USER 65532:65532
ENTRYPOINT ["/usr/bin/stoker"]
CMD ["run"]
